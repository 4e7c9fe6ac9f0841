// AWS's services on one machine, off the caller's event loop: S3, SQS and EventBridge on one port, DynamoDB on another.
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Fault } from '../faults/fault.ts';
import type { FaultCounts } from '../faults/fault-points.ts';
import type { OutageService } from '../faults/outages.ts';
import type { AccessRecord } from '../iam/authorizer.ts';
import type { ResourcePolicy, Role } from '../iam/policy.ts';
import type { Latencies } from '../meter/latencies.ts';
import type { MeterReading } from '../meter/meter-reading.ts';
import type { EventBridgeEntry } from './eventbridge/event-bus.ts';
import type { LambdaAnswer, LambdaCall } from './lambda/lambda-http.ts';
import type { S3Limit } from './s3/s3-limits.ts';
import { claimSpoolFolder } from './s3/spool-folder.ts';
import { type EmulatorWorker, startWorker, WorkerStartError } from './worker-calls.ts';

export interface EmulatorsOptions {
  /** 0, the default: any free port. */
  ports?: { aws?: number; dynamodb?: number };
  region: string;
  accountId: string;
  buckets: BucketOptions[];
  queues: QueueOptions[];
  tables: CreateTableCommandInput[];
  /** The limit of the buckets marked `throttled`; absent: none is throttled. */
  limit?: S3Limit;
  /** How long requests of the roles wait for their answers; absent: as long as this machine takes. */
  latencies?: Latencies;
  seed: number;
  fidelity?: Fidelity;
  /** Names beside those of loopback by which the servers may be called. */
  allowedHosts?: readonly string[];
  /** What requests that are signed in the name of a role may do; absent: everything. */
  roles?: Role[];
  /** Of buckets and queues; absent: none is evaluated, and S3 notifies every queue. */
  policies?: ResourcePolicy[];
  /** An emulator's own failure, which no answer could carry. Default: stderr. */
  onFailure?: (message: string) => void;
}

export interface BucketOptions {
  name: string;
  versioned?: boolean;
  notifications?: { queueArn: string }[];
  throttled?: boolean;
  /** The account that owns it; absent: the cloud's own. */
  account?: string;
}

export interface QueueOptions {
  name: string;
  /** As CloudFormation gives them: numbers, booleans and objects are allowed. */
  attributes: Record<string, unknown>;
  /** Messages in flight above which a receive returns nothing. Default 120,000, SQS's quota. */
  inFlightLimit?: number;
}

/** How far the services go in being as awkward as AWS's. All off by default. */
export interface Fidelity {
  /** A receive draws from this many of the oldest visible messages in random order. Default 0: in order. */
  shuffleWindow?: number;
  /** Share of S3 notifications sent twice, and of SQS messages that are received twice. Default 0. */
  duplicateShare?: number;
  /** Milliseconds of the longest delay of a message: longer ones are shortened to it. Default: as AWS, what was asked for. */
  mostDelayMs?: number;
}

/** What the worker of S3 and SQS is given. */
export interface AwsWorkerOptions extends Omit<EmulatorsOptions, 'onFailure'> {
  /** Where it keeps large bodies; it makes the folder if it needs it. */
  spoolFolder: string;
}

/** A message that a service of AWS puts into a queue. */
export interface Delivery {
  /** `sns.amazonaws.com` */
  service: string;
  /** The bucket, topic or rule that it comes from, and the account of that. */
  sourceArn: string;
  sourceAccount: string;
  queueArn: string;
  body: string;
}

export interface Emulators {
  /** http://127.0.0.1:PORT */
  endpoints: { aws: string; dynamodb: string };
  queueUrl(name: string): string;
  meter(): Promise<MeterReading>;
  /** Which permissions of the roles were used, and what was denied to them. */
  access(): Promise<AccessRecord>;
  /** Calls the listener for every event put on a bus from now on; returns how to end that. */
  onEvent(listener: (entry: EventBridgeEntry) => void): () => void;
  /** Answers the calls of Lambda's API. */
  onLambdaCall(answer: (call: LambdaCall) => LambdaAnswer): void;
  /**
   * Has a service of AWS put a message into a queue.
   * @returns why the queue's policy refuses it; undefined where it is in the queue
   */
  deliver(delivery: Delivery): Promise<string | undefined>;
  queueDepths(): Promise<Record<string, QueueDepth>>;
  /** Replaces the armed faults. Lambda's faults are not among them: no emulator has those. */
  setFaults(faults: Fault[]): Promise<void>;
  /** How often each fault has struck, by its name. */
  faultCounts(): Promise<FaultCounts>;
  /** From now on, and for so long, every connection to the service is reset. */
  outage(service: OutageService, lastsMs: number): Promise<void>;
  /** Lets pages that this process serves on a further port use the services. */
  addOwnPort(port: number): Promise<void>;
  stop(): Promise<void>;
}

export interface QueueDepth {
  visible: number;
  inFlight: number;
  delayed: number;
}

export async function startEmulators(options: EmulatorsOptions): Promise<Emulators> {
  const { onFailure = (message) => process.stderr.write(`${message}\n`), ...plain } = options;
  const listeners = new Set<(entry: EventBridgeEntry) => void>();
  const onTold = (name: string, value: unknown): void => {
    if (name === 'failure') onFailure(String(value));
    if (name === 'event') for (const listener of listeners) listener(value as EventBridgeEntry);
  };
  let answerLambda: ((call: LambdaCall) => LambdaAnswer) | undefined;
  const onAsked = (name: string, argument: unknown): unknown => {
    if (name !== 'lambda' || answerLambda === undefined)
      throw new Error('The embedded Lambda has not started.');
    return answerLambda(argument as LambdaCall);
  };
  const spool = await claimSpoolFolder();
  const data: AwsWorkerOptions = { ...plain, spoolFolder: spool.path };
  const start = async (file: string, what: string, port: number | undefined): Promise<EmulatorWorker> =>
    await startWorker(new URL(file, import.meta.url), data, { onTold, onAsked, onFailure }).catch(
      (error: unknown) => {
        throw portError(error, what, port);
      },
    );

  const [aws, dynamodb] = await bothOrNone(
    start('./aws-worker.ts', 'S3 and SQS', options.ports?.aws),
    start('./dynamodb/dynamodb-worker.ts', 'DynamoDB', options.ports?.dynamodb),
  ).catch(async (error: unknown) => {
    await spool.remove();
    throw error;
  });
  const endpoints = { aws: `http://127.0.0.1:${aws.port}`, dynamodb: `http://127.0.0.1:${dynamodb.port}` };
  const stop = async (): Promise<void> => {
    await Promise.all([aws.stop(), dynamodb.stop()]);
    await spool.remove();
  };
  const callBoth = async (name: string, argument?: unknown): Promise<[unknown, unknown]> =>
    await Promise.all([aws.call(name, argument), dynamodb.call(name, argument)]);
  try {
    // Each server knows its own port only.
    await callBoth('ownPorts', [aws.port, dynamodb.port]);
    await createTables(endpoints.dynamodb, options);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    endpoints,
    queueUrl: (name) => `${endpoints.aws}/${options.accountId}/${name}`,
    async meter() {
      const [services, units] = await callBoth('meter');
      return { ...(services as Omit<MeterReading, 'dynamodb'>), dynamodb: units as MeterReading['dynamodb'] };
    },
    async access() {
      const records = (await callBoth('access')) as AccessRecord[];
      return {
        used: records.flatMap(({ used }) => used),
        denied: records.flatMap(({ denied }) => denied),
      };
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onLambdaCall(answer) {
      answerLambda = answer;
    },
    deliver: async (delivery) => (await aws.call('deliver', delivery)) as string | undefined,
    queueDepths: async () => (await aws.call('queueDepths')) as Record<string, QueueDepth>,
    setFaults: async (faults) => void (await callBoth('setFaults', faults)),
    faultCounts: async () => Object.assign({}, ...(await callBoth('faultCounts'))) as FaultCounts,
    async outage(service, lastsMs) {
      await (service === 'dynamodb' ? dynamodb : aws).call('outage', { service, lastsMs });
    },
    addOwnPort: async (port) => void (await callBoth('ownPorts', [port])),
    stop,
  };
}

async function createTables(endpoint: string, { region, tables }: EmulatorsOptions): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region, credentials });
  try {
    await Promise.all(tables.map((table) => client.send(new CreateTableCommand(table))));
  } finally {
    client.destroy();
  }
}

/** If one does not come up, the other is ended before the error goes on. */
async function bothOrNone(
  first: Promise<EmulatorWorker>,
  second: Promise<EmulatorWorker>,
): Promise<[EmulatorWorker, EmulatorWorker]> {
  const settled = await Promise.allSettled([first, second]);
  const [a, b] = settled;
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  for (const each of settled) if (each.status === 'fulfilled') await each.value.stop();
  throw settled.find((each) => each.status === 'rejected')?.reason;
}

function portError(error: unknown, what: string, port: number | undefined): unknown {
  if (!(error instanceof WorkerStartError)) return error;
  if (error.code === 'EADDRINUSE') return takenPort(error, what, port);
  return new Error(`${what} did not start on port ${port ?? 0}: ${error.message}`, { cause: error });
}

export function takenPort(cause: Error, what: string, port: number | undefined): Error {
  return new Error(
    `port ${port} for ${what} is taken: end what listens there, or choose another port (0 takes any free one)`,
    { cause },
  );
}
