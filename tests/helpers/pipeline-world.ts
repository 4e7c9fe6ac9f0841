// The production functions on a ledger in DynamoDB, with queues and S3 in memory. Each runs as a worker under a conductor, so
// its calls wait for their turns. A record keeps, in plain sets, the effects that the calls had.
import { PutItemCommand, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, type ListObjectsV2CommandOutput, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Context, ScheduledEvent } from 'aws-lambda';
import { createIngest } from '../../functions/ingest/handler.ts';
import type { Telemetry } from '../../functions/runtime/telemetry.ts';
import { createSettle } from '../../functions/settle/handler.ts';
import { createSweep } from '../../functions/sweep/handler.ts';
import { createUpload } from '../../functions/upload/handler.ts';
import { createMemoryS3, type MemoryS3 } from '../../lab/memory/s3.ts';
import { type JobId, jobIdOfManifest } from '../../shared/job/identity.ts';
import { isLive, type ReportedJob } from '../../shared/job/job.ts';
import { createJobIndex } from '../../shared/ledger/job-index.ts';
import { createLedger } from '../../shared/ledger/ledger.ts';
import { decodeNumbers } from '../../shared/ledger/row-numbers.ts';
import { createReturnShare } from '../../shared/queue/give-back.ts';
import { createClosingNotice, createSettleNotice } from '../../shared/queue/settle-notice.ts';
import type { Outcome, OutcomeRecord } from '../../shared/report/outcome.ts';
import { createOutcomeFiles } from '../../shared/report/outcome-files.ts';
import { createOutcomeRows } from '../../shared/report/outcome-rows.ts';
import { createOutcomeStore } from '../../shared/report/outcome-store.ts';
import { createReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import type { ItemWriter } from '../../shared/sources/source.ts';
import { createRandom } from '../../shared/time/random.ts';
import type { Conductor, Worker } from './conductor.ts';
import { decodeOutcomes } from './decode-outcomes.ts';
import { type Command, meddled, refusal } from './failing.ts';
import type { LedgerTable } from './ledger-table.ts';
import { createScriptedQueues, type QueueName, type ScriptedQueues } from './scripted-queues.ts';

/** What S3 says to a row's object, at each attempt; the last is said from then on, but for `slow down`. */
export type Answer = 'stored' | 'denied' | 'slow down';
/** A row of the manifest: an object, or a line that can't be read. */
export type PlannedRow = { kind: 'object'; answers: readonly Answer[] } | { kind: 'bad' };

export interface Plan {
  rows: readonly PlannedRow[];
  sliceBytes: number;
  blockRows: number;
}

const INBOX = 'inbox';
export const REPORTS = 'reports';
const DESTINATION = 'destination';
const INVOCATION_MS = 180_000;
const UPLOAD_MS = 180_000;
export const IDLE_MS = 300_000;
const BUSY_MS = 6 * 3_600_000;
const HEADER = 'key,text\n';
const RETRY_SECONDS = [10, 60, 300, 720];
/** About half of the batches' outcomes are longer: so both places are used. */
const MOST_ROW_BYTES = 180;
/** Objects of a batch. */
const BATCH = 4;

export interface World {
  job: JobId;
  queues: ScriptedQueues;
  s3: MemoryS3;
  /** What the functions' calls did, as far as they had their effect. */
  record: {
    /** Whether the job has its row: before, nothing but S3's notification knows of it. */
    isOpened: boolean;
    /** Keys of objects that were written, once for each time. */
    written: string[];
    /** By manifest row, from 0: outcomes that lie in the report bucket. */
    outcomes: Map<number, Outcome['status'][]>;
    /** By row name of the ledger: the numbers that were booked, by how they ended. */
    booked: Map<string, Map<string, Set<number>>>;
    /** Every freezing of a slice that took effect, with the outcomes that lay there when its settle looked. */
    frozen: { slice: number; result: string; outcomes: ReadonlyMap<number, Outcome['status'][]> }[];
    /** States in which the job was ended, and those that events told of. */
    ended: string[];
    told: string[];
  };
  /** Lets a worker take messages. @returns whether there were any */
  deliver(queue: QueueName, pick: number, copies?: boolean): Promise<boolean>;
  sweep(): Promise<void>;
  order(control: 'run' | 'paused' | 'cancelling'): Promise<void>;
}

export function createWorld(
  table: Omit<LedgerTable, 'stop'>,
  plan: Plan,
  name: string,
  conductor: Conductor,
): World {
  const arrival = { bucket: INBOX, key: `${name}.csv`, versionId: 'v1' };
  const job = jobIdOfManifest(arrival);
  const queues = createScriptedQueues({ now: conductor.now, sleep: async () => undefined });
  const s3 = createMemoryS3({ versioned: [INBOX] });
  const record: World['record'] = {
    isOpened: false,
    written: [],
    outcomes: new Map(),
    booked: new Map(),
    frozen: [],
    ended: [],
    told: [],
  };
  const lines = plan.rows.map((row, index) => (row.kind === 'bad' ? 'bad' : `k${index},text`));
  s3.write(INBOX, arrival.key, `${HEADER}${lines.map((line) => `${line}\n`).join('')}`, {
    metadata: {
      'spillway-destination': `s3://${DESTINATION}`,
      'spillway-spread': 'off',
      'spillway-max-failed-percent': '100',
    },
  });
  queues.put('ingest', JSON.stringify(notificationOf(arrival)));
  const attempts = new Map<string, number>();
  let workers = 0;
  /** By worker and slice: what it found when it listed the slice's outcomes, by the writer's name. */
  const listed = new Map<string, Map<string, OutcomeRecord[]>>();

  function answerTo(key: string): Answer {
    const row = plan.rows[Number(key.slice(1))];
    const answers: readonly Answer[] = row?.kind === 'object' ? row.answers : [];
    const attempt = attempts.get(key) ?? 0;
    attempts.set(key, attempt + 1);
    const answer = answers[Math.min(attempt, answers.length - 1)] ?? 'stored';
    // S3 throttles nobody for ever; a whole day of retries would be all that happens.
    return answer === 'slow down' && attempt >= answers.length ? 'stored' : answer;
  }

  function writerOf(worker: Worker): ItemWriter {
    return {
      begin: async (_item, { destination: { key } }) => ({
        write: () =>
          worker.act(`PUT ${key}`, () => {
            const answer = answerTo(key);
            if (answer !== 'stored') throw REFUSALS[answer];
            record.written.push(key);
            return { etag: `"${key}"`, bytes: 4 };
          }),
        recognise: () => Promise.reject(new Error('no write here is conditional')),
      }),
    };
  }

  function noteOutcomes(bytes: Uint8Array): void {
    addStatuses(record.outcomes, decodeOutcomes(bytes, 'written'));
  }

  function noteListed(worker: Worker, slice: string | undefined, name: string, bytes: Uint8Array): void {
    const place = `${worker.name}/${slice}`;
    const found = listed.get(place) ?? new Map<string, OutcomeRecord[]>();
    listed.set(place, found.set(name, decodeOutcomes(bytes, name)));
  }

  function noteWrite(worker: Worker, input: LedgerWrite): void {
    if (input.Item?.['pk']?.S?.startsWith('J#')) record.isOpened = true;
    const [kind, , number] = (input.Key?.['pk']?.S ?? '').split('#');
    const values = input.ExpressionAttributeValues ?? {};
    if (kind === 'B') {
      const pk = input.Key?.['pk']?.S ?? '';
      const ends = record.booked.get(pk) ?? new Map<string, Set<number>>();
      record.booked.set(pk, ends);
      for (const [value, { BS = [] }] of Object.entries(values)) {
        const numbers = BS.flatMap((member) => decodeNumbers(member) ?? []);
        ends.set(value.slice(1), new Set([...(ends.get(value.slice(1)) ?? []), ...numbers]));
      }
    }
    if (kind === 'S' && values[':result']?.S !== undefined) {
      const outcomes = new Map<number, Outcome['status'][]>();
      for (const records of listed.get(`${worker.name}/${number}`)?.values() ?? [])
        addStatuses(outcomes, records);
      record.frozen.push({ slice: Number(number), result: values[':result'].S, outcomes });
    }
    if (kind === 'J' && values[':endedAtMs'] !== undefined) record.ended.push(values[':state']?.S ?? '');
  }

  function dependenciesOf(worker: Worker) {
    const { clock } = worker;
    const random = createRandom(1);
    const dynamodb = meddled(table.dynamodb, (command, pass) =>
      worker.act(nameOfLedgerCall(command), async () => {
        const answer = await pass();
        const input: LedgerWrite = command.input;
        if (input.TableName !== table.outcomes) noteWrite(worker, input);
        else if (command instanceof PutItemCommand) noteOutcomes(bytesOf(input.Item));
        else {
          const pk = input.ExpressionAttributeValues?.[':pk']?.S;
          for (const item of (answer as QueryCommandOutput).Items ?? [])
            noteListed(worker, pk?.split('/').at(-2), `row ${item['name']?.S}`, bytesOf(item));
        }
        return answer;
      }),
    );
    const client = meddled(s3.client, (command, pass) =>
      worker.act(nameOfS3Call(command), async () => {
        const answer = await pass();
        if (command instanceof PutObjectCommand && command.input.Key?.startsWith('outcomes/'))
          noteOutcomes(command.input.Body as Uint8Array);
        if (command instanceof ListObjectsV2Command)
          for (const { Key = '' } of (answer as ListObjectsV2CommandOutput).Contents ?? [])
            noteListed(worker, Key.split('/')[2], Key, s3.read(REPORTS, Key) ?? Buffer.alloc(0));
        return answer;
      }),
    );
    const sqs = meddled(queues.client, (command, pass) => worker.act(nameOfSqsCall(command), () => pass()));
    const queue = { sqs, clock, random };
    const notifySettle = createSettleNotice(queue, 'settle');
    const ledger = createLedger({
      dynamodb,
      table: table.table,
      clock,
      random,
      sliceClosed: createClosingNotice(notifySettle, clock),
    });
    const outcomes = createOutcomeStore(
      {
        files: createOutcomeFiles({ s3: client, bucket: REPORTS }),
        rows: createOutcomeRows({ dynamodb, table: table.outcomes, clock, keepDays: 100 }),
      },
      MOST_ROW_BYTES,
    );
    const reports = { s3: client, bucket: REPORTS, outcomes };
    const events = {
      started: () => worker.act('PutEvents started', () => undefined),
      progressed: () => worker.act('PutEvents progressed', () => undefined),
      ended: ({ state }: ReportedJob) =>
        worker.act('PutEvents', () => {
          record.told.push(state);
        }),
    };
    return {
      clock,
      random,
      client,
      queue,
      notifySettle,
      ledger,
      outcomes,
      reports,
      end: { reports, events, ledger },
    };
  }

  const functions = {
    ingest(worker: Worker) {
      const { clock, random, client, queue, notifySettle, ledger, outcomes, end } = dependenciesOf(worker);
      return createIngest({
        blocks: { s3: client, clock, random, sources: { buckets: [] } },
        inbox: INBOX,
        retrySeconds: RETRY_SECONDS,
        destinationBuckets: [DESTINATION],
        manifestBuckets: [],
        keepDays: 100,
        ledger,
        outcomes,
        end,
        queue,
        ingestQueueUrl: 'ingest',
        uploadQueueUrl: 'upload',
        notifySettle,
        clock,
        telemetry: SILENT,
        cut: { sliceBytes: plan.sliceBytes, blockRows: plan.blockRows },
      });
    },
    upload(worker: Worker) {
      const { clock, random, queue, ledger, outcomes } = dependenciesOf(worker);
      return createUpload({
        engine: {
          rateLimiter: {
            groupOf: () => 'g',
            pass: async () => ({ kind: 'passed' }),
            observe: () => undefined,
          },
          clock,
          random,
        },
        writer: writerOf(worker),
        ledger,
        outcomes,
        queue,
        uploadQueueUrl: 'upload',
        returns: createReturnShare(clock),
        returnedAttempts: createReturnedAttempts(),
        pacer: { ratePerSecond: () => 1_000, drain: () => undefined },
        allowed: { sources: { buckets: [] }, destinations: [DESTINATION] },
        retrySeconds: RETRY_SECONDS,
        telemetry: SILENT,
      });
    },
    settle(worker: Worker) {
      const { clock, queue, ledger, reports, end } = dependenciesOf(worker);
      const source = { queue, queueUrl: 'settle', retrySeconds: RETRY_SECONDS };
      return createSettle({ ledger, reports, end, clock, uploadMs: UPLOAD_MS, source, telemetry: SILENT });
    },
  };

  const index = createJobIndex(table);
  const unwatched = createLedger({
    dynamodb: table.dynamodb,
    table: table.table,
    clock: { now: conductor.now, sleep: async () => undefined },
    random: createRandom(1),
    sliceClosed: async () => undefined,
  });

  return {
    job,
    queues,
    s3,
    record,
    async deliver(queue, pick, copies = false) {
      const most = queue === 'upload' ? BATCH : 1;
      const received = await queues.receive(queue, { pick, most, copies });
      if (received === undefined) return false;
      const { Records, end } = received;
      const all = Records.map(({ messageId }) => messageId);
      await conductor.start(
        `${queue}-${workers++}`,
        async (worker) => {
          const { batchItemFailures } = await functions[queue](worker)({ Records }, contextOf(worker));
          end(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        },
        () => end(all),
      );
      return true;
    },
    sweep: () =>
      conductor.start(
        `sweep-${workers++}`,
        async (worker) => {
          const { clock, queue, notifySettle, ledger, end } = dependenciesOf(worker);
          // The table's other jobs are those of other runs.
          const live = async () =>
            (await worker.act('Query live', () => index.live())).filter((id) => id === job);
          const sweep = createSweep({
            index: { live },
            ledger,
            events: end.events,
            queue,
            queueUrls: { ingest: 'ingest', upload: 'upload', settle: 'settle' },
            notifySettle,
            clock,
            limits: { idleMs: IDLE_MS, busyMs: BUSY_MS, uploadMs: UPLOAD_MS },
            telemetry: SILENT,
          });
          await sweep({} as ScheduledEvent, contextOf(worker));
        },
        () => undefined,
      ),
    async order(control) {
      const controlled = await unwatched.controlJob(job, control);
      conductor.log.push(`order  ${control}: ${controlled.kind}`);
      // As the API does: of a job that never rested nothing can be missing.
      const resumedAtMs =
        controlled.kind === 'changed' && isLive(controlled.job) ? controlled.job.resumedAtMs : undefined;
      if (control === 'run' && resumedAtMs !== undefined)
        queues.put('ingest', JSON.stringify({ v: 1, kind: 'resume', job }));
    },
  };
}

/** An update or a put, as far as it is looked at. */
/** Adds the outcomes' statuses by manifest row, from 0. */
function addStatuses(to: Map<number, Outcome['status'][]>, records: readonly OutcomeRecord[]): void {
  for (const outcome of records) {
    if (outcome.status === 'returned') continue;
    const row = outcome.line - 2;
    to.set(row, [...(to.get(row) ?? []), outcome.status]);
  }
}

function bytesOf(item: Record<string, { B?: Uint8Array }> | undefined): Uint8Array {
  return item?.['outcomes']?.B ?? Buffer.alloc(0);
}

interface LedgerWrite {
  TableName?: string;
  Key?: Record<string, { S?: string }>;
  Item?: Record<string, { S?: string; B?: Uint8Array }>;
  ExpressionAttributeValues?: Record<string, { S?: string; BS?: Uint8Array[] }>;
}

const SILENT = {
  logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  count: () => undefined,
} as unknown as Telemetry;

function contextOf(worker: Worker): Context {
  return { awsRequestId: worker.name, getRemainingTimeInMillis: () => INVOCATION_MS } as Context;
}

const verbOf = (command: Command) => command.constructor.name.replace('Command', '');

function nameOfLedgerCall(command: Command): string {
  const {
    Key,
    Item,
    UpdateExpression = '',
    RequestItems,
  } = command.input as {
    Key?: { pk: { S: string } };
    Item?: { pk: { S: string } };
    UpdateExpression?: string;
    RequestItems?: Record<string, { Keys: { pk: { S: string } }[] }>;
  };
  const keys = RequestItems === undefined ? [Key ?? Item] : Object.values(RequestItems)[0]?.Keys;
  const named = (keys ?? []).map((key) => key?.pk.S.replace(/#[^#]+/, '')).join(' ');
  return `${verbOf(command)} ${named} ${UpdateExpression}`.trim();
}

function nameOfS3Call(command: Command): string {
  const { Key, Prefix = '' } = command.input as { Key?: string; Prefix?: string };
  return `${verbOf(command)} ${Key ?? Prefix}`;
}

function nameOfSqsCall(command: Command): string {
  const { QueueUrl, Entries = [] } = command.input as { QueueUrl: string; Entries?: unknown[] };
  return `${verbOf(command)} ${QueueUrl} x${Entries.length}`;
}

const REFUSALS: Record<Exclude<Answer, 'stored'>, Error> = {
  denied: refusal('AccessDenied', 403),
  'slow down': refusal('SlowDown', 503),
};

function notificationOf({ bucket, key, versionId }: { bucket: string; key: string; versionId: string }) {
  return {
    Records: [
      { eventName: 'ObjectCreated:Put', s3: { bucket: { name: bucket }, object: { key, versionId } } },
    ],
  };
}
