// Converts the service model to the emulators' options, and their names and counts back to the model's names.
import type { BucketOptions, Emulators, EmulatorsOptions, Fidelity, QueueDepth } from '../aws/emulators.ts';
import type { S3Limit } from '../aws/s3/s3-limits.ts';
import type { Latencies } from '../meter/latencies.ts';
import type { ServiceModel } from './model.ts';

/** Not throttled: the limit is for the destination, and on S3 these buckets have partitions of their own. */
const UNTHROTTLED_BUCKETS = ['InboxBucket', 'ReportBucket'];

export interface EmulationOptions {
  ports?: { aws?: number; dynamodb?: number };
  limit?: S3Limit;
  latencies?: Latencies;
  buckets?: (string | BucketOptions)[];
  seed: number;
  fidelity: Fidelity;
  allowedHosts?: readonly string[];
}

export function emulatorsOptions(
  { region, accountId, buckets, queues, tables, roles, policies }: ServiceModel,
  { ports, limit, latencies, buckets: furtherBuckets = [], seed, fidelity, allowedHosts }: EmulationOptions,
): EmulatorsOptions {
  return {
    region,
    accountId,
    seed,
    fidelity,
    roles: Object.values(roles),
    policies: Object.values(policies),
    ...(ports === undefined ? {} : { ports }),
    ...(limit === undefined ? {} : { limit }),
    ...(latencies === undefined ? {} : { latencies }),
    ...(allowedHosts === undefined ? {} : { allowedHosts }),
    buckets: [
      ...Object.entries(buckets).map(([logicalId, { name, versioned, notifications }]) => ({
        name,
        versioned,
        notifications,
        throttled: !UNTHROTTLED_BUCKETS.includes(logicalId),
      })),
      ...furtherBuckets.map((bucket) =>
        typeof bucket === 'string' ? { name: bucket, throttled: true } : bucket,
      ),
    ],
    queues: Object.values(queues).map(({ name, attributes }) => ({ name, attributes })),
    tables: Object.values(tables).map(({ definition }) => definition),
  };
}

export interface CloudNames {
  readonly inbox: string;
  readonly destination: string;
  readonly reports: string;
  readonly table: string;
  readonly queues: Record<string /* logical id */, string /* url */>;
}

/** A missing resource is an error only when its name is read. */
export function namesOf({ buckets, tables, queues }: ServiceModel): CloudNames {
  const nameIn = (resources: Record<string, { name: string }>, logicalId: string): string => {
    const found = resources[logicalId];
    if (found === undefined) throw new Error(`serverless.yml has no ${logicalId}`);
    return found.name;
  };
  return {
    get inbox() {
      return nameIn(buckets, 'InboxBucket');
    },
    get destination() {
      return nameIn(buckets, 'DestinationBucket');
    },
    get reports() {
      return nameIn(buckets, 'ReportBucket');
    },
    get table() {
      return nameIn(tables, 'LedgerTable');
    },
    queues: Object.fromEntries(Object.entries(queues).map(([logicalId, { url }]) => [logicalId, url])),
  };
}

/** @returns the URLs of a queue and of its dead-letter queue */
export function queueUrlsOf(
  { queues }: ServiceModel,
  queueArn: string,
): { queueUrl: string; deadLetterQueueUrl?: string } {
  const byArn = new Map(Object.values(queues).map((queue) => [queue.arn, queue]));
  const queue = byArn.get(queueArn);
  if (queue === undefined) throw new Error(`serverless.yml has no queue ${queueArn}`);
  const redrive: { deadLetterTargetArn?: string } = JSON.parse(queue.attributes.RedrivePolicy ?? '{}');
  const deadLetters = byArn.get(redrive.deadLetterTargetArn ?? '');
  return {
    queueUrl: queue.url,
    ...(deadLetters === undefined ? {} : { deadLetterQueueUrl: deadLetters.url }),
  };
}

export async function depthsByLogicalId(
  { queues }: ServiceModel,
  emulators: Pick<Emulators, 'queueDepths'>,
): Promise<Record<string, QueueDepth>> {
  const depths = await emulators.queueDepths();
  return Object.fromEntries(
    Object.entries(queues).map(([logicalId, { name }]) => [
      logicalId,
      depths[name] ?? { visible: 0, inFlight: 0, delayed: 0 },
    ]),
  );
}
