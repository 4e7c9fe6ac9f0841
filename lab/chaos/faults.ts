// The faults of a chaos run, by name, with rates at which 20,000 items meet each of them more than a hundred times; copy-killed
// less often, since few rows are copied in parts.
import type { Fault, FaultTiming } from '../../local/faults/fault.ts';
import type { OutageService } from '../../local/faults/outages.ts';

/** The queues' names. */
export interface ChaosPlaces {
  ingest: string;
  upload: string;
  settle: string;
}

/** Two machines' clocks may differ by twice as much: within the 15 s that the pipeline allows for (functions/sweep/job-needs.ts). */
const CLOCK_OFF_MS = 7_000;
const LATE_MS = 4_000;
const SLOW_MS = 800;

const READS = ['GetObject', 'HeadObject', 'ListObjectsV2'];
/** Operations whose answer may hold an error behind the status 200. */
const COPIES = ['CopyObject', 'UploadPartCopy', 'CompleteMultipartUpload'];
/** Parts that are under way with others. */
const PARTS_KILLED = ['partNumber=1&', 'partNumber=2&', 'partNumber=3&'];
const SQS_CALLS = [
  'SendMessageBatch',
  'DeleteMessageBatch',
  'ChangeMessageVisibilityBatch',
  'ReceiveMessage',
  'GetQueueAttributes',
];

export const OUTAGES = ['s3', 'sqs', 'dynamodb'] as const satisfies readonly OutageService[];
export const outageName = (service: OutageService) => `outage-${service}`;

const catalogue = ({ ingest, upload, settle }: ChaosPlaces) =>
  ({
    's3-500': [{ kind: 's3-error', status: 500, code: 'InternalError', probability: 0.01 }],
    's3-503': [{ kind: 's3-error', status: 503, code: 'ServiceUnavailable', probability: 0.006 }],
    's3-slow-down': [{ kind: 's3-error', status: 503, code: 'SlowDown', probability: 0.006 }],
    's3-kms-slow-down': [{ kind: 's3-kms-throttled', probability: 0.006 }],
    's3-bodiless-503': [{ kind: 's3-bodiless', status: 503, probability: 0.006 }],
    's3-reset': [{ kind: 's3-drop', when: 'before', probability: 0.01 }],
    's3-lost-answer': [{ kind: 's3-drop', when: 'after', probability: 0.01 }],
    's3-timeout': [
      { kind: 's3-timeout', when: 'before', probability: 0.004 },
      { kind: 's3-timeout', when: 'after', probability: 0.004 },
    ],
    's3-slow-answer': [{ kind: 's3-delay', delayMs: SLOW_MS, probability: 0.01 }],
    's3-error-in-200': [
      { kind: 's3-error-in-200', code: 'InternalError', operations: COPIES, probability: 0.03 },
      { kind: 's3-error-in-200', code: 'SlowDown', operations: COPIES, probability: 0.015 },
    ],
    's3-read-500': [
      { kind: 's3-error', status: 500, code: 'InternalError', operations: READS, probability: 0.02 },
    ],
    's3-read-slow-down': [
      { kind: 's3-error', status: 503, code: 'SlowDown', operations: READS, probability: 0.02 },
    ],
    's3-read-reset': [{ kind: 's3-drop', when: 'before', operations: READS, probability: 0.02 }],
    's3-read-broken-off': [{ kind: 's3-drop', when: 'midway', operations: ['GetObject'], probability: 0.02 }],

    'sqs-500': [{ kind: 'sqs-error', status: 500, actions: SQS_CALLS, probability: 0.02 }],
    'sqs-503': [{ kind: 'sqs-error', status: 503, actions: SQS_CALLS, probability: 0.02 }],
    'sqs-reset': [{ kind: 'sqs-drop', when: 'before', actions: SQS_CALLS, probability: 0.02 }],
    'sqs-lost-answer': [{ kind: 'sqs-drop', when: 'after', actions: SQS_CALLS, probability: 0.02 }],
    'sqs-send-half-failed': [{ kind: 'sqs-entries-failed', action: 'SendMessageBatch', probability: 0.03 }],
    'sqs-delete-half-failed': [
      { kind: 'sqs-entries-failed', action: 'DeleteMessageBatch', probability: 0.03 },
    ],
    'sqs-visibility-half-failed': [
      { kind: 'sqs-entries-failed', action: 'ChangeMessageVisibilityBatch', probability: 0.4 },
    ],
    'sqs-receipt-expired': [{ kind: 'sqs-receipt-expired', probability: 0.01 }],
    'sqs-duplicate': [
      { kind: 'sqs-message-twice', queue: ingest, probability: 0.1 },
      { kind: 'sqs-message-twice', queue: upload, probability: 0.02 },
    ],
    'settle-twice': [{ kind: 'sqs-message-twice', queue: settle, probability: 0.6 }],
    'sqs-late': [
      { kind: 'sqs-message-late', mostMs: LATE_MS, queue: ingest, probability: 0.1 },
      { kind: 'sqs-message-late', mostMs: LATE_MS, queue: upload, probability: 0.05 },
      { kind: 'sqs-message-late', mostMs: LATE_MS, queue: settle, probability: 0.1 },
    ],
    'sqs-lost-message': [{ kind: 'sqs-message-lost', probability: 0.01 }],

    'dynamodb-throttled': [
      { kind: 'dynamodb-throttled', code: 'ProvisionedThroughputExceededException', probability: 0.01 },
      { kind: 'dynamodb-throttled', code: 'ThrottlingException', probability: 0.01 },
    ],
    'dynamodb-500': [{ kind: 'dynamodb-error', status: 500, probability: 0.01 }],
    'dynamodb-503': [{ kind: 'dynamodb-error', status: 503, probability: 0.01 }],
    'dynamodb-reset': [{ kind: 'dynamodb-drop', when: 'before', probability: 0.01 }],
    'dynamodb-lost-answer': [{ kind: 'dynamodb-drop', when: 'after', probability: 0.01 }],
    'dynamodb-unprocessed': [{ kind: 'dynamodb-unprocessed', probability: 0.03 }],

    'worker-killed': [
      { kind: 'lambda-death', function: 'upload', probability: 0.15 },
      { kind: 'lambda-death', function: 'settle', probability: 0.2 },
      { kind: 'lambda-death', function: 'sweep', probability: 0.2 },
      { kind: 'lambda-death', function: 'deadLetters', probability: 0.3 },
    ],
    'copy-killed': PARTS_KILLED.map((pathIncludes) => ({
      ...{ kind: 'lambda-death' as const, function: 'upload' },
      ...{ pathIncludes, probability: 0.2 },
    })),
    'ingest-killed': [{ kind: 'lambda-death', function: 'ingest', probability: 0.35 }],
    'clock-skew': [{ kind: 'lambda-clock-skew', mostMs: CLOCK_OFF_MS, probability: 0.7 }],
  }) as const satisfies Record<string, readonly Fault[]>;

type CatalogueName = keyof ReturnType<typeof catalogue>;
type OutageName = `outage-${(typeof OUTAGES)[number]}`;
export type ChaosFaultName = CatalogueName | OutageName;

export const CHAOS_FAULTS: readonly ChaosFaultName[] = [
  ...(Object.keys(catalogue({ ingest: '', upload: '', settle: '' })) as CatalogueName[]),
  ...OUTAGES.map((service): OutageName => `outage-${service}`),
];

/** A smaller run meets each fault less often; this share of the requests is what none may take from one that ends. */
const MOST_PROBABILITY = 0.6;

/** @param intensity multiplies the rates */
export function chaosFaults(
  names: readonly ChaosFaultName[],
  places: ChaosPlaces,
  intensity: number,
): Fault[] {
  const all: Record<string, readonly Fault[]> = catalogue(places);
  return names.flatMap((name) =>
    (all[name] ?? []).map((fault): Fault => {
      const timing: FaultTiming = {
        name,
        probability: Math.min(MOST_PROBABILITY, (fault.probability ?? 1) * intensity),
      };
      return { ...fault, ...timing };
    }),
  );
}

/** Between a function and the path at which it died, in the name of a count. */
const AT_PATH = '-at-';

/** How often each of the faults struck, by their names here. */
export function countsByName(
  names: readonly ChaosFaultName[],
  counted: Readonly<Record<string, number>>,
): Record<string, number> {
  const deaths = Object.entries(counted).filter(([name]) => name.startsWith('lambda-death-'));
  const died = (isOf: (functionName: string) => boolean) =>
    deaths.reduce((sum, [name, count]) => sum + (isOf(name.slice('lambda-death-'.length)) ? count : 0), 0);
  const special: Record<string, () => number> = {
    'worker-killed': () => died((name) => name !== 'ingest' && !name.includes(AT_PATH)),
    'copy-killed': () => died((name) => name.includes(AT_PATH)),
    'ingest-killed': () => died((name) => name === 'ingest'),
  };
  return Object.fromEntries(names.map((name) => [name, special[name]?.() ?? counted[name] ?? 0]));
}
