// SWEEP: each minute, looks after every live job.
//
//   1 read    how much is on its way: the depths of the queues
//   2 order   stop a job that is past its deadline, or of which too much fails
//   3 care    sum its slices, a stretch of them where they are many; send again what stands still: slices, plans, notices to settle
//
// A paused job is not in the index of live jobs: it costs nothing until it is resumed. Where its end is decided, it is back there.
import type { Context, ScheduledEvent } from 'aws-lambda';
import pMap from 'p-map';
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import type { JobId } from '../../shared/job/identity.ts';
import { isEnding, isLive, type Job, type Progress } from '../../shared/job/job.ts';
import type { JobIndex } from '../../shared/ledger/job-index.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { outstandingRows } from '../../shared/ledger/progress.ts';
import { type QueueDependencies, sendMessages } from '../../shared/queue/batches.ts';
import { messageBody } from '../../shared/queue/messages.ts';
import { boundedList, boundedText } from '../../shared/text/bounded.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { readEnvironment, wholeNumber } from '../runtime/environment.ts';
import { instrument } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { createTelemetry, type Telemetry } from '../runtime/telemetry.ts';
import { wireLedger, wireQueue } from '../runtime/wiring.ts';
import { type Backlog, orderFor, type UpkeepLimits } from './job-needs.ts';
import { readDepth } from './queue-depths.ts';
import { type CareDependencies, careForJob } from './reconcile-job.ts';

/** Jobs looked after at once: each holds a page of 200 slices. */
const JOB_CONCURRENCY = 8;
/** Time kept back at the end: nothing further is begun. */
const HANDOVER_MS = 10_000;

export interface SweepDependencies extends Pick<CareDependencies, 'notifySettle' | 'clock'> {
  index: Pick<JobIndex, 'live'>;
  ledger: CareDependencies['ledger'] & Pick<Ledger, 'getJob' | 'controlJob'>;
  queue: QueueDependencies;
  queueUrls: Readonly<Record<keyof Backlog, string>>;
  limits: UpkeepLimits;
  telemetry: Telemetry;
}

export function createSweep(dependencies: SweepDependencies) {
  const { index, ledger, queue, queueUrls, clock, limits, telemetry } = dependencies;
  const { logger, count } = telemetry;

  const tellIngest: CareDependencies['tellIngest'] = (message) =>
    sendMessages(queue, queueUrls.ingest, [{ body: messageBody(message), groupId: message.job }]);

  async function readBacklog(): Promise<Backlog> {
    const [ingest, upload, settle] = await Promise.all([
      readDepth(queue, queueUrls.ingest),
      readDepth(queue, queueUrls.upload),
      readDepth(queue, queueUrls.settle),
    ]);
    return { ingest, upload, settle };
  }

  /** @returns whether the job was stopped */
  async function stopInTime(job: Job, progress: Progress | undefined): Promise<boolean> {
    const order = orderFor(job, progress, clock.now());
    if (order === undefined) return false;
    const { control, fault } = order;
    const { kind } = await ledger.controlJob(job.id, control, fault);
    logger.error(LOG.jobStopped, { job: job.id, control, fault, kind });
    return true;
  }

  /** @returns rows of the job that have not ended */
  async function sweepJob(id: JobId, backlog: Backlog, untilMs: number): Promise<number> {
    const job = await ledger.getJob(id);
    if (job === undefined || !isLive(job)) return 0;
    const outstanding = (progress: Progress | undefined) =>
      progress === undefined ? job.plan.rows : outstandingRows({ ...progress, rows: job.plan.rows });
    if (await stopInTime(job, job.progress)) return outstanding(job.progress);

    const upkeep = { backlog, limits, nowMs: clock.now() };
    const { progress, done } = await careForJob(
      { ...dependencies, tellIngest, random: queue.random },
      job,
      upkeep,
      untilMs,
    );
    count({ SlicesReplayed: done.replayed });
    if (Object.values(done).some((times) => times > 0))
      logger.warn(LOG.jobReconciled, { job: id, ending: isEnding(job), backlog, ...done });
    await stopInTime(job, progress);
    return outstanding(progress);
  }

  return async (_event: ScheduledEvent, context: Context): Promise<void> => {
    const untilMs = clock.now() + context.getRemainingTimeInMillis() - HANDOVER_MS;
    const [ids, backlog] = await Promise.all([index.live(), readBacklog()]);
    // From anywhere: where time runs out, it is not always the same jobs that wait.
    const from = Math.floor(queue.random() * ids.length);
    const unswept: JobId[] = [];
    const errors: string[] = [];
    let rowsOutstanding = 0;

    const sweepInTime = async (id: JobId) => {
      try {
        if (clock.now() >= untilMs) unswept.push(id);
        else rowsOutstanding += await sweepJob(id, backlog, untilMs);
      } catch (error) {
        errors.push(`${id}: ${(error as Error).name}: ${(error as Error).message}`);
      }
    };
    await pMap([...ids.slice(from), ...ids.slice(0, from)], sweepInTime, { concurrency: JOB_CONCURRENCY });

    count({ LiveJobs: ids.length, RowsOutstanding: rowsOutstanding });
    logger.info(LOG.jobsSwept, { jobs: ids.length, unswept: unswept.length, rowsOutstanding, backlog });
    // One job's fault keeps no other from being swept, yet it counts as the function's error, on which there is an alarm.
    if (errors.length > 0) throw new Error(boundedText(`jobs not swept: ${boundedList(errors)}`));
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
  const queue = wireQueue(CLIENT_BUDGETS.sweep);
  return {
    ...wireLedger(env, queue, CLIENT_BUDGETS.sweep),
    queue,
    queueUrls: {
      ingest: env.SPILLWAY_INGEST_QUEUE_URL,
      upload: env.SPILLWAY_UPLOAD_QUEUE_URL,
      settle: env.SPILLWAY_SETTLE_QUEUE_URL,
    },
    clock: systemClock,
    limits: {
      idleMs: wholeNumber(env, 'SPILLWAY_REPLAY_IDLE_SECONDS') * 1000,
      busyMs: wholeNumber(env, 'SPILLWAY_REPLAY_BUSY_SECONDS') * 1000,
      uploadMs: wholeNumber(env, 'SPILLWAY_UPLOAD_SECONDS') * 1000,
    },
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createSweep(dependenciesFromEnvironment(telemetry)));
