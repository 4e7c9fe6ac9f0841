// The further inboxes: whether each bucket announces its new objects, and whether the ingest queue is subscribed to their topics.
import {
  GetBucketNotificationConfigurationCommand,
  type NotificationConfiguration,
} from '@aws-sdk/client-s3';
import { GetSubscriptionAttributesCommand } from '@aws-sdk/client-sns';
import { type Check, eachCheck, fail, type Problem, resourceCheck, type World } from '../finding.ts';
import { ofType, type StackResource } from '../stack.ts';

const HOW = 'docs/operations.md, "A bucket that you have already as an inbox", has the three routes';

/**
 * @param actual undefined where there is no such bucket
 * @param to the name of the ingest queue, and the topics that it is subscribed to
 */
export function judgeInboxBucket(
  bucket: string,
  actual: NotificationConfiguration | undefined,
  to: { queue: string; topics: readonly string[] },
): Problem[] {
  if (actual === undefined) {
    return fail(bucket, 'there is no such bucket', 'create it, or take it from inboxBuckets');
  }
  const { EventBridgeConfiguration, QueueConfigurations = [], TopicConfigurations = [] } = actual;
  const isOfNewObjects = ({ Events = [] }: { Events?: readonly string[] | undefined }) =>
    Events.some((event) => event.startsWith('s3:ObjectCreated:'));
  const isAnnounced =
    EventBridgeConfiguration !== undefined ||
    QueueConfigurations.some((each) => isOfNewObjects(each) && each.QueueArn?.endsWith(`:${to.queue}`)) ||
    TopicConfigurations.some((each) => isOfNewObjects(each) && to.topics.includes(each.TopicArn ?? ''));
  if (isAnnounced) return [];
  return fail(bucket, 'announces its new objects on no route: manifests in it start no job', HOW);
}

/** The names of the further inboxes: the pattern of their rule has them. */
function inboxBucketsOf({ stack }: World): string[] {
  return ofType(stack, 'AWS::Events::Rule').flatMap(({ properties }) => {
    const pattern = properties['EventPattern'] as { detail?: { bucket?: { name?: string[] } } } | undefined;
    return pattern?.detail?.bucket?.name ?? [];
  });
}

const topicsOf = ({ stack }: World) =>
  ofType(stack, 'AWS::SNS::Subscription').map(({ properties }) => String(properties['TopicArn']));

/** @param actual undefined where there is no such subscription */
export function judgeInboxTopic(
  { logicalId: about, properties }: StackResource,
  actual: Readonly<Record<string, string>> | undefined,
): Problem[] {
  const topic = String(properties['TopicArn']);
  if (actual?.['PendingConfirmation'] === 'true') {
    return fail(
      about,
      `${topic} has not confirmed the subscription of the ingest queue: what it announces starts no job`,
      'ask the owner of the topic whether its policy lets this account subscribe, and deploy again',
    );
  }
  if (actual !== undefined) return [];
  return fail(
    about,
    `the ingest queue is not subscribed to ${topic}: what it announces starts no job`,
    `deploy once with ${topic} left out of inboxTopics, and then again with it, so that the stack has its subscription; ` +
      'then drop the manifests again that have come meanwhile',
  );
}

export const inboxChecks: readonly Check[] = [
  eachCheck<string, NotificationConfiguration | undefined>({
    id: 'inbox-buckets',
    good: 'Every further inbox announces its new objects.',
    action: 's3:GetBucketNotification',
    things: inboxBucketsOf,
    about: (bucket) => bucket,
    ask: ({ s3 }, bucket) => s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket })),
    judge: (bucket, actual, world) =>
      judgeInboxBucket(bucket, actual, { queue: `${world.prefix}-ingest`, topics: topicsOf(world) }),
    unset: { code: 'NoSuchBucket', value: undefined },
  }),
  resourceCheck({
    id: 'inbox-topics',
    good: 'The ingest queue is subscribed to every topic of the further inboxes.',
    action: 'sns:GetSubscriptionAttributes',
    resources: ({ stack }) => ofType(stack, 'AWS::SNS::Subscription'),
    ask: async ({ sns }, { physicalId }) => {
      const asked = new GetSubscriptionAttributesCommand({ SubscriptionArn: physicalId });
      return (await sns.send(asked)).Attributes;
    },
    judge: judgeInboxTopic,
    unset: { code: 'NotFoundException', value: undefined },
  }),
];
