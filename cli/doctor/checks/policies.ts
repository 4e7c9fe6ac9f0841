// The policies of buckets and queues: present, TLS only, closed to other accounts, and open to the sources of notifications. What a
// deployed policy does is asked of the evaluator that the embedded cloud has too.
import { GetBucketPolicyCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { partitionOf } from '../../../infrastructure/partitions.js';
import { type AccessRequest, type Caller, contextOf, judge } from '../../../local/iam/policy.ts';
import { PolicyError, readResourceStatements } from '../../../local/iam/read-policy.ts';
import { parseJson } from '../../../shared/text/parse-json.ts';
import { type Check, fail, type Problem, resourceCheck, unchecked, type World } from '../finding.ts';
import {
  declaredOfType,
  notificationsOf,
  ofType,
  queueNameOf,
  referredTo,
  type StackResource,
} from '../stack.ts';

/** A bucket or queue, and the template's policy for it. */
interface Guarded extends StackResource {
  arn: string;
  /** Statements of the template, with intrinsic functions as they stand. */
  declared: readonly Declared[];
  /** Buckets that are to notify it. */
  sources: readonly StackResource[];
}

interface Declared {
  Sid?: string;
  Effect?: string;
  Principal?: unknown;
  Condition?: unknown;
}

type Place = Pick<World, 'account' | 'region'>;

/** No account has this number. */
const OTHER_ACCOUNT = '000000000000';
const OTHER_BUCKET = 'a-bucket-of-another-account';

/** @param text the deployed policy; undefined where there is none */
function judgePolicy(guarded: Guarded, text: string | undefined, place: Place): Problem[] {
  const { logicalId: about, declared } = guarded;
  const remedy = restored(guarded);
  if (text === undefined) {
    const lacking = declared.flatMap(({ Sid }) => Sid ?? []).join(', ');
    return fail(about, `has no policy, and lacks the statements ${lacking}`, remedy);
  }
  const document = parseJson(text);
  try {
    const statements = readResourceStatements(document);
    const says = (caller: Caller, request: AccessRequest, further = {}) =>
      judge(statements, caller, { ...request, context: { ...contextOf(caller), ...further } }).kind;
    const faults = [...faultsOf(guarded, says, place), ...missingStatements(declared, document)];
    return faults.flatMap((fault) => fail(about, fault, remedy));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return unchecked(
      about,
      `the doctor can't evaluate its policy (${error.message})`,
      'look through the policy by hand: somebody has added this statement',
    );
  }
}

type Says = (
  caller: Caller,
  request: AccessRequest,
  further?: Record<string, string[]>,
) => ReturnType<typeof judge>['kind'];

function faultsOf(guarded: Guarded, says: Says, { account, region }: Place): string[] {
  const { arn, sources } = guarded;
  const own: Caller = { kind: 'principal', arn: `arn:aws:iam::${account}:user/doctor` };
  const others: Caller = { kind: 'principal', arn: `arn:aws:iam::${OTHER_ACCOUNT}:user/doctor` };
  const requests = requestsOf(guarded);
  const faults: string[] = [];
  const takesPlainText = requests.some(
    (request) => says(own, request, { 'aws:SecureTransport': ['false'] }) !== 'denied',
  );
  if (takesPlainText) faults.push('takes requests without TLS');
  if (requests.some((request) => says(others, request) === 'allowed')) faults.push('lets other accounts in');
  const sends = { action: 'sqs:SendMessage', resource: arn };
  for (const { physicalId } of sources) {
    if (says(notifying(physicalId, account, region), sends) !== 'allowed')
      faults.push(`does not let S3 send for ${physicalId}: manifests that are dropped start no job`);
  }
  if (says(notifying(OTHER_BUCKET, OTHER_ACCOUNT, region), sends) === 'allowed')
    faults.push('lets S3 send for the buckets of other accounts');
  return faults;
}

function notifying(bucket: string, sourceAccount: string, region: string): Caller {
  const sourceArn = `arn:${partitionOf(region)}:s3:::${bucket}`;
  return { kind: 'service', service: 's3.amazonaws.com', sourceArn, sourceAccount };
}

function requestsOf({ type, arn }: Guarded): AccessRequest[] {
  return type === 'AWS::SQS::Queue'
    ? ['sqs:SendMessage', 'sqs:ReceiveMessage'].map((action) => ({ action, resource: arn }))
    : [
        { action: 's3:ListBucket', resource: arn },
        ...['s3:GetObject', 's3:PutObject'].map((action) => ({ action, resource: `${arn}/key` })),
      ];
}

/** By their names; those that are asked above may have another. */
function missingStatements(declared: readonly Declared[], document: unknown): string[] {
  const { Statement = [] } = (document ?? {}) as { Statement?: Declared | Declared[] };
  const deployed = [Statement].flat().map(({ Sid, Effect }) => `${Effect} ${Sid}`);
  return declared
    .filter(
      ({ Sid, Principal, Condition }) =>
        Sid !== undefined &&
        !/s3\.amazonaws\.com|aws:SecureTransport/.test(JSON.stringify([Principal, Condition])),
    )
    .filter(({ Sid, Effect }) => !deployed.includes(`${Effect} ${Sid}`))
    .map(({ Sid, Effect }) => `lacks the statement ${Sid} (${Effect})`);
}

function restored({ type, physicalId }: StackResource): string {
  const [file, command] =
    type === 'AWS::SQS::Queue'
      ? [
          'queues.yml',
          `aws sqs set-queue-attributes --queue-url ${physicalId} --attributes file://POLICY.json`,
        ]
      : ['buckets.yml', `aws s3api put-bucket-policy --bucket ${physicalId} --policy file://POLICY.json`];
  return (
    `set it back as infrastructure/${file} has it (\`${command}\`): ` +
    'a deployment does so only where the policy changes in the template'
  );
}

/** Those of the type that have a policy in the template. */
function guardedOf({ stack, account, region }: World, type: string): Guarded[] {
  const isQueue = type === 'AWS::SQS::Queue';
  const partition = partitionOf(region);
  const arnOf = (thing: StackResource) =>
    isQueue
      ? `arn:${partition}:sqs:${region}:${account}:${queueNameOf(thing)}`
      : `arn:${partition}:s3:::${thing.physicalId}`;
  return declaredOfType(stack, isQueue ? 'AWS::SQS::QueuePolicy' : 'AWS::S3::BucketPolicy').flatMap(
    (properties) => {
      const {
        Bucket,
        Queues = [],
        PolicyDocument,
      } = properties as {
        Bucket?: unknown;
        Queues?: unknown[];
        PolicyDocument?: { Statement?: Declared[] };
      };
      const ids = [Bucket, ...Queues].map(referredTo);
      return ofType(stack, type)
        .filter(({ logicalId }) => ids.includes(logicalId))
        .map((thing) => ({
          ...thing,
          declared: PolicyDocument?.Statement ?? [],
          arn: arnOf(thing),
          sources: ofType(stack, 'AWS::S3::Bucket').filter((bucket) =>
            notificationsOf(bucket).some(({ queueId }) => queueId === thing.logicalId),
          ),
        }));
    },
  );
}

export const policyChecks: readonly Check[] = [
  resourceCheck({
    id: 'bucket-policies',
    good: 'The buckets take TLS only, have the statements of the template, and let no other account in.',
    action: 's3:GetBucketPolicy',
    resources: (world) => guardedOf(world, 'AWS::S3::Bucket'),
    ask: async ({ s3 }, { physicalId }) =>
      (await s3.send(new GetBucketPolicyCommand({ Bucket: physicalId }))).Policy,
    judge: judgePolicy,
    unset: { code: 'NoSuchBucketPolicy', value: undefined },
  }),
  resourceCheck({
    id: 'queue-policies',
    good: 'The queues take TLS only, have the statements of the template, and let in whom they should.',
    action: 'sqs:GetQueueAttributes',
    resources: (world) => guardedOf(world, 'AWS::SQS::Queue'),
    ask: async ({ sqs }, { physicalId }) => {
      const asked = new GetQueueAttributesCommand({ QueueUrl: physicalId, AttributeNames: ['Policy'] });
      return (await sqs.send(asked)).Attributes?.['Policy'];
    },
    judge: (queue, text, world) => judgePolicy(queue, text === '' ? undefined : text, world),
  }),
];
