// The topics that announce the objects of further inboxes: whether the ingest queue is still subscribed to them.
import { GetSubscriptionAttributesCommand } from '@aws-sdk/client-sns';
import { type Problem, problem, resourceCheck } from '../finding.ts';
import { ofType, type StackResource } from '../stack.ts';

/** @param actual undefined where there is no such subscription */
export function judgeInboxTopic(
  { logicalId: about, properties }: StackResource,
  actual: Readonly<Record<string, string>> | undefined,
): Problem[] {
  const topic = String(properties['TopicArn']);
  if (actual?.['PendingConfirmation'] === 'true') {
    return problem(
      'fail',
      about,
      `${topic} has not confirmed the subscription of the ingest queue: what it announces starts no job`,
      'ask the owner of the topic whether its policy lets this account subscribe, and deploy again',
    );
  }
  if (actual !== undefined) return [];
  return problem(
    'fail',
    about,
    `the ingest queue is not subscribed to ${topic}: what it announces starts no job`,
    `aws sns subscribe --topic-arn ${topic} --protocol sqs --notification-endpoint ARN_OF_THE_INGEST_QUEUE ` +
      '--attributes RawMessageDelivery=true; then drop the manifests again that have come meanwhile',
  );
}

export const inboxCheck = resourceCheck({
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
});
