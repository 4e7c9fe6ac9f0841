// SWEEP: each minute, looks after every live job.
//
//   1 sum      its slices, for its status and the dashboard; a job of many slices less often
//   2 order    stops a job past its deadline, or of which too much fails
//   3 care     sends anew what stands still: slices whose messages were lost, plans, notices to settle
//
// A paused job is not in the index of live jobs: it costs nothing until it is resumed.
import type { Context, ScheduledEvent } from 'aws-lambda';
import pMap from 'p-map';
import { readEnvironment } from '../shared/aws/environment.ts';
import { type Clock, systemClock } from '../shared/job/clock.ts';
import type { JobId } from '../shared/job/identity.ts';
import { isEnding, isLive, isSettled, type Job, type Progress } from '../shared/job/job.ts';
import {
  type Backlog,
  careOf,
  isSumDue,
  orderFor,
  type SliceCare,
  type UpkeepLimits,
} from '../shared/job/upkeep.ts';
import type { JobIndex } from '../shared/ledger/job-index.ts';
import type { Ledger } from '../shared/ledger/ledger.ts';
import { openBlocks, outstandingRows, sumProgress } from '../shared/ledger/progress.ts';
import type { SliceRow } from '../shared/ledger/rows.ts';
import { type QueueDependencies, sendMessages } from '../shared/queue/batches.ts';
import { readDepth } from '../shared/queue/depths.ts';
import { type IngestMessage, messageBody, SCHEMA_VERSION } from '../shared/queue/messages.ts';
import type { SettleNotice } from '../shared/queue/settle-notice.ts';
import { instrument } from '../shared/telemetry/instrument.ts';
import { createTelemetry, type Telemetry } from '../shared/telemetry/telemetry.ts';
import { wireLedger, wireQueue } from '../shared/wiring/wiring.ts';

/** Jobs looked after at once. */
const JOB_CONCURRENCY = 8;
/** Slices of one job that are cared for in one sweep; the rest is for the next. Each may cost 256 reads of block rows. */
const SLICES_CARED_MOST = 200;
const SLICE_CONCURRENCY = 8;
/** Time kept back at the end: no further slice is cared for. */
const HANDOVER_MS = 10_000;

export interface SweepDependencies {
  index: JobIndex;
  ledger: Ledger;
  queue: QueueDependencies;
  queueUrls: Readonly<Record<keyof Backlog, string>>;
  notifySettle: SettleNotice;
  clock: Clock;
  limits: UpkeepLimits;
  telemetry: Telemetry;
}

/** What was done for a job, for the log. */
type Done = Partial<Record<'replayed' | 'settles' | 'plans' | 'orders', number>>;

export function createSweep(dependencies: SweepDependencies) {
  const { index, ledger, queue, queueUrls, notifySettle, clock, limits, telemetry } = dependencies;
  const { logger, count } = telemetry;

  const tellIngest = (message: IngestMessage) =>
    sendMessages(queue, queueUrls.ingest, [{ body: messageBody(message), groupId: message.job }]);

  async function readBacklog(): Promise<Backlog> {
    const [ingest, upload, settle] = await Promise.all([
      readDepth(queue, queueUrls.ingest),
      readDepth(queue, queueUrls.upload),
      readDepth(queue, queueUrls.settle),
    ]);
    return { ingest, upload, settle };
  }

  /** @returns the sum, and the slices that have not settled */
  async function readSlices(job: Job): Promise<{ progress: Progress; unsettled: SliceRow[] }> {
    const numbers = new Set(await ledger.unsettledSlices(job));
    const unsettled: SliceRow[] = [];
    const progress = await sumProgress(ledger, job, (slice) => {
      if (numbers.has(slice.slice)) unsettled.push(slice);
    });
    await ledger.recordProgress(job.id, progress);
    return { progress, unsettled };
  }

  /** @returns what the slice needed and was given */
  async function careFor(job: Job, slice: SliceRow, backlog: Backlog): Promise<SliceCare> {
    const at = { backlog, limits, nowMs: clock.now() };
    let care = careOf(job, slice, undefined, at);
    if (care === 'look') {
      const blocks = await ledger.readBlocks(openBlocks(job, slice));
      care = careOf(job, slice, [...blocks.values()], at);
    }
    const id = { job: job.id, slice: slice.slice };
    if (care === 'settle') await notifySettle(id);
    if (care === 'replay') {
      const begun = await ledger.beginReplay(id, slice.replays);
      if (!begun) return 'none';
      await tellIngest({ v: SCHEMA_VERSION, kind: 'slice', ...id });
    }
    return care;
  }

  async function careForSlices(job: Job, slices: readonly SliceRow[], backlog: Backlog, untilMs: number) {
    const done: Done = {};
    let left = SLICES_CARED_MOST;
    await pMap(
      slices,
      async (slice) => {
        if (left <= 0 || clock.now() >= untilMs) return;
        const care = await careFor(job, slice, backlog);
        if (care === 'none') return;
        left -= 1;
        if (care === 'replay') done.replayed = (done.replayed ?? 0) + 1;
        if (care === 'settle') done.settles = (done.settles ?? 0) + 1;
      },
      { concurrency: SLICE_CONCURRENCY },
    );
    return done;
  }

  /** @returns rows of the job that have not ended */
  async function sweepJob(id: JobId, backlog: Backlog, untilMs: number): Promise<number> {
    const job = await ledger.getJob(id);
    if (job === undefined || !isLive(job)) return 0;
    const read = isSumDue(job, clock.now()) ? await readSlices(job) : undefined;
    const progress = read?.progress ?? job.progress;
    const outstanding = progress === undefined ? job.plan.rows : outstandingRows(progress);

    const order = orderFor(job, progress, clock.now());
    if (order !== undefined) {
      const { control, fault } = order;
      const controlled = await ledger.controlJob(id, control, fault);
      logger.error('job stopped', { job: id, control, fault, done: controlled.kind });
      return outstanding;
    }
    const done = await careForSlices(job, read?.unsettled ?? [], backlog, untilMs);
    // The message that would go on is on its way, or was lost. Twice does no harm.
    if (job.state === 'planning' && backlog.ingest === 0) {
      await tellIngest({ v: SCHEMA_VERSION, kind: 'plan', job: id });
      done.plans = 1;
    }
    if (isSettled(job) && backlog.settle === 0) {
      await notifySettle({ job: id });
      done.settles = (done.settles ?? 0) + 1;
    }
    count({ SlicesReplayed: done.replayed ?? 0 });
    if (Object.keys(done).length > 0)
      logger.warn('job looked after', { job: id, ending: isEnding(job), backlog, ...done });
    return outstanding;
  }

  return async (_event: ScheduledEvent, context: Context): Promise<void> => {
    const untilMs = clock.now() + context.getRemainingTimeInMillis() - HANDOVER_MS;
    const [ids, backlog] = await Promise.all([index.live(), readBacklog()]);
    const errors: string[] = [];
    const outstanding = await pMap(
      ids,
      (id) =>
        sweepJob(id, backlog, untilMs).catch((error: Error) => {
          errors.push(`${id}: ${error.name}: ${error.message}`);
          return 0;
        }),
      { concurrency: JOB_CONCURRENCY },
    );
    const rows = outstanding.reduce((sum, left) => sum + left, 0);
    count({ LiveJobs: ids.length, RowsOutstanding: rows });
    logger.info('jobs swept', { jobs: ids.length, rowsOutstanding: rows, backlog });
    // One job's fault keeps no other from being swept, yet it counts as the function's error, on which there is an alarm.
    if (errors.length > 0) throw new Error(`jobs not swept: ${errors.join('; ')}`);
  };
}

function dependenciesFromEnvironment(telemetry: Telemetry): SweepDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_INGEST_QUEUE_URL',
    'SPILLWAY_UPLOAD_QUEUE_URL',
    'SPILLWAY_SETTLE_QUEUE_URL',
    'SPILLWAY_UPLOAD_SECONDS',
    'SPILLWAY_REPLAY_IDLE_SECONDS',
    'SPILLWAY_REPLAY_BUSY_SECONDS',
  ]);
  const queue = wireQueue();
  return {
    ...wireLedger(env, queue),
    queue,
    queueUrls: {
      ingest: env.SPILLWAY_INGEST_QUEUE_URL,
      upload: env.SPILLWAY_UPLOAD_QUEUE_URL,
      settle: env.SPILLWAY_SETTLE_QUEUE_URL,
    },
    clock: systemClock,
    limits: {
      idleMs: Number(env.SPILLWAY_REPLAY_IDLE_SECONDS) * 1000,
      busyMs: Number(env.SPILLWAY_REPLAY_BUSY_SECONDS) * 1000,
      uploadMs: Number(env.SPILLWAY_UPLOAD_SECONDS) * 1000,
    },
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createSweep(dependenciesFromEnvironment(telemetry)));
