// The stack's buckets: versions, notifications, encryption, no public access. Each is compared with the template.
import {
  GetBucketEncryptionCommand,
  GetBucketNotificationConfigurationCommand,
  type GetBucketNotificationConfigurationCommandOutput,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  type PublicAccessBlockConfiguration,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3';
import { type Check, fail, type Problem, resourceCheck, type World, warn } from '../finding.ts';
import { notificationsOf, ofType, queueNameOf, type Stack, type StackResource } from '../stack.ts';

/** PutBucketVersioning: "it might take a short amount of time for the change to be fully propagated", up to 15 minutes. */
const VERSIONING_SETTLES_MS = 15 * 60_000;

const declaring =
  (property: string) =>
  ({ stack }: World) =>
    ofType(stack, 'AWS::S3::Bucket').filter(({ properties }) => properties[property] !== undefined);

export function judgeVersioning(
  { logicalId, physicalId, changedAtMs }: StackResource,
  status: string | undefined,
  nowMs: number,
): Problem[] {
  if (status !== 'Enabled') {
    return fail(
      logicalId,
      `versioning is ${status === undefined ? 'off' : status.toLowerCase()}: a manifest that is replaced changes under its job`,
      `aws s3api put-bucket-versioning --bucket ${physicalId} --versioning-configuration Status=Enabled`,
    );
  }
  const ageMs = nowMs - changedAtMs;
  if (ageMs >= VERSIONING_SETTLES_MS) return [];
  return warn(
    logicalId,
    'the bucket is new: S3 may take 15 minutes until versioning is active',
    `wait ${Math.ceil((VERSIONING_SETTLES_MS - ageMs) / 60_000)} minutes; a manifest dropped now is a job, but must not be replaced`,
  );
}

export function judgeNotification(
  bucket: StackResource,
  actual: Pick<GetBucketNotificationConfigurationCommandOutput, 'QueueConfigurations'>,
  { resources }: Pick<Stack, 'resources'>,
): Problem[] {
  return notificationsOf(bucket).flatMap(({ event, queueId }) => {
    const queue = resources.find(({ logicalId }) => logicalId === queueId);
    const name = queue === undefined ? '' : queueNameOf(queue);
    const isThere = actual.QueueConfigurations?.some(
      ({ QueueArn, Events }) => QueueArn?.endsWith(`:${name}`) && Events?.some((each) => each === event),
    );
    if (isThere) return [];
    return fail(
      bucket.logicalId,
      `S3 does not notify ${name} of ${event}: manifests that are dropped start no job`,
      'someone has replaced the notification. Add it again: a queue configuration for ' +
        `${event} to ${name} (\`aws s3api put-bucket-notification-configuration\` replaces all, so name the others too)`,
    );
  });
}

interface DeclaredEncryption {
  ServerSideEncryptionConfiguration?: { ServerSideEncryptionByDefault?: { SSEAlgorithm?: string } }[];
}

export function judgeEncryption(
  { logicalId, properties }: StackResource,
  rules: readonly ServerSideEncryptionRule[],
): Problem[] {
  const declared = properties['BucketEncryption'] as DeclaredEncryption;
  const wanted = declared.ServerSideEncryptionConfiguration?.[0]?.ServerSideEncryptionByDefault?.SSEAlgorithm;
  const actual = rules[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm;
  if (wanted === undefined || actual === wanted) return [];
  const cost =
    actual === 'AES256'
      ? ''
      : '. A KMS key has a request limit of its own, and the functions need rights to it';
  return warn(
    logicalId,
    `the default encryption is ${actual ?? 'not set'}, and ${wanted} in the template${cost}`,
    'set it back, or change it in infrastructure/buckets.yml and deploy',
  );
}

const BLOCKS = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'] as const;

export function judgePublicAccess(
  { logicalId, physicalId }: StackResource,
  actual: PublicAccessBlockConfiguration,
): Problem[] {
  const open = BLOCKS.filter((name) => actual[name] !== true);
  if (open.length === 0) return [];
  return fail(
    logicalId,
    `public access is not blocked: ${open.join(', ')} ${open.length === 1 ? 'is' : 'are'} off`,
    `aws s3api put-public-access-block --bucket ${physicalId} --public-access-block-configuration ${BLOCKS.map((name) => `${name}=true`).join(',')}`,
  );
}

export const bucketChecks: readonly Check[] = [
  resourceCheck({
    id: 'versioning',
    good: 'Versioning is active where the template asks for it.',
    action: 's3:GetBucketVersioning',
    resources: declaring('VersioningConfiguration'),
    ask: ({ s3 }, { physicalId }) => s3.send(new GetBucketVersioningCommand({ Bucket: physicalId })),
    judge: (bucket, { Status }, { nowMs }) => judgeVersioning(bucket, Status, nowMs),
  }),
  resourceCheck({
    id: 'notification',
    good: 'S3 notifies ingest of new manifests.',
    action: 's3:GetBucketNotification',
    resources: declaring('NotificationConfiguration'),
    ask: ({ s3 }, { physicalId }) =>
      s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: physicalId })),
    judge: (bucket, actual, { stack }) => judgeNotification(bucket, actual, stack),
  }),
  resourceCheck({
    id: 'encryption',
    good: 'The buckets are encrypted as in the template.',
    action: 's3:GetEncryptionConfiguration',
    resources: declaring('BucketEncryption'),
    ask: async ({ s3 }, { physicalId }) => {
      const answer = await s3.send(new GetBucketEncryptionCommand({ Bucket: physicalId }));
      return answer.ServerSideEncryptionConfiguration?.Rules ?? [];
    },
    judge: judgeEncryption,
    unset: { code: 'ServerSideEncryptionConfigurationNotFoundError', value: [] },
  }),
  resourceCheck({
    id: 'public-access',
    good: 'No bucket lets the public in.',
    action: 's3:GetBucketPublicAccessBlock',
    resources: declaring('PublicAccessBlockConfiguration'),
    ask: async ({ s3 }, { physicalId }) => {
      const answer = await s3.send(new GetPublicAccessBlockCommand({ Bucket: physicalId }));
      return answer.PublicAccessBlockConfiguration ?? {};
    },
    judge: judgePublicAccess,
    unset: { code: 'NoSuchPublicAccessBlockConfiguration', value: {} },
  }),
];
