// SWEEP: each minute, keeps every live job going.
//
//   1 configure  dependencies from the environment, at the first invocation
//   2 load       the live jobs, and how many messages are in the queues (shared/queue/queue-depth.ts)
//   3 act        on each job (sweep-job.ts):
//        stop       it, when it is past its deadline or too many rows fail
//        reconcile  it: sum its slices, and send lost messages again: slices, plans, notices to settle
//        announce   its start, where ingest has not, and each tenth of its rows (shared/report/announce.ts)
//   4 report     log and count; the faults of single jobs are one error at the end
//
// A paused job is not in the index of live jobs, so it costs nothing. Ending it puts it back there.

import type { Context, ScheduledEvent } from 'aws-lambda';
import pMap from 'p-map';
import type { JobId } from '../../shared/job/identity.ts';
import { createIngestRequest } from '../../shared/queue/ingest-request.ts';
import { readQueueDepth } from '../../shared/queue/queue-depth.ts';
import { createAnnouncer } from '../../shared/report/announce.ts';
import { boundedList, boundedText } from '../../shared/text/bounded.ts';
import { createHandler } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { sweepConfiguration } from './configuration.ts';
import { type SweepDependencies, sweepDependencies } from './dependencies.ts';
import type { Backlog } from './job-needs.ts';
import { sweepJob } from './sweep-job.ts';

/** Jobs worked on at the same time: each holds a page of 200 slices. */
const JOB_CONCURRENCY = 8;
/** Milliseconds kept back at the end of an invocation, in which nothing more is started. */
const HANDOVER_MS = 10_000;

export function createSweep(dependencies: SweepDependencies) {
  const { index, ledger, events, queue, queueUrls, clock, telemetry } = dependencies;
  const { logger, count } = telemetry;
  const announcer = createAnnouncer({
    ...{ events, ledger },
    failed: (error) => logger.warn(LOG.eventNotSent, { error }),
  });
  const requestIngest = createIngestRequest(queue, queueUrls.ingest);
  const stage = { ...dependencies, requestIngest, announcer };

  return async (_event: ScheduledEvent, context: Context): Promise<void> => {
    const untilMs = clock.now() + context.getRemainingTimeInMillis() - HANDOVER_MS;
    const [ids, backlog] = await Promise.all([index.live(), readBacklog(dependencies)]);
    // A random start: when time runs out, it is not always the same jobs that wait.
    const from = Math.floor(queue.random() * ids.length);
    const unswept: JobId[] = [];
    const errors: string[] = [];
    let rowsOutstanding = 0;
    let oldestSeconds = 0;

    const sweepInTime = async (id: JobId) => {
      try {
        if (clock.now() >= untilMs) {
          unswept.push(id);
          return;
        }
        const swept = await sweepJob(stage, id, backlog, untilMs);
        rowsOutstanding += swept.rowsOutstanding;
        oldestSeconds = Math.max(oldestSeconds, swept.ageSeconds);
        if (swept.lost !== undefined) errors.push(`${id}: ${swept.lost}`);
      } catch (error) {
        errors.push(`${id}: ${(error as Error).name}: ${(error as Error).message}`);
      }
    };
    await pMap([...ids.slice(from), ...ids.slice(0, from)], sweepInTime, { concurrency: JOB_CONCURRENCY });

    count({ LiveJobs: ids.length, RowsOutstanding: rowsOutstanding, OldestJobSeconds: oldestSeconds });
    logger.info(LOG.jobsSwept, {
      jobs: ids.length,
      unswept: unswept.length,
      rowsOutstanding,
      oldestSeconds,
      backlog,
    });
    // The fault of one job does not stop the others. It is an error of the function, which an alarm watches.
    if (errors.length > 0) throw new Error(boundedText(`jobs not swept whole: ${boundedList(errors)}`));
  };
}

async function readBacklog({ queue, queueUrls }: SweepDependencies): Promise<Backlog> {
  const messages = async (url: string) => {
    const { visible, inFlight, delayed } = await readQueueDepth(queue, url);
    return visible + inFlight + delayed;
  };
  const [ingest, upload, settle] = await Promise.all([
    messages(queueUrls.ingest),
    messages(queueUrls.upload),
    messages(queueUrls.settle),
  ]);
  return { ingest, upload, settle };
}

export const handler = createHandler(sweepConfiguration, sweepDependencies, createSweep);
