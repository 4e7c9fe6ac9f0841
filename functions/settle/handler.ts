// SETTLE: counts a slice whose rows have all ended, and completes a job whose slices have all settled. In a job that is being
// ended early, it records the rows that are left as cancelled or lost.
//
//   1 configure  dependencies from the environment, at the first invocation
//   2 validate   the message
//   3 load       the job. It must be live; a job whose end was started is only ended
//   4 settle     the slice (settle-slice.ts):
//        merge   its outcome files into its files of the report
//        freeze  its result with a conditional write: the first one wins, later ones read it
//        record  it on the job
//   5 complete   after the last slice: write the job's report, send its event, end its row. After others: announce progress
//   6 report     log and count (an end: runtime/counted-ends.ts); a record that failed stays in the queue (runtime/records.ts)

import { isEnded, isLive } from '../../shared/job/job.ts';
import { isSettled } from '../../shared/ledger/tally.ts';
import { parseSettleMessage, type SettleMessage } from '../../shared/queue/messages.ts';
import { createAnnouncer } from '../../shared/report/announce.ts';
import { completeJob, failJob } from '../../shared/report/end-job.ts';
import { createHandler } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { eachRecord } from '../runtime/records.ts';
import { settleConfiguration } from './configuration.ts';
import { type SettleDependencies, settleDependencies } from './dependencies.ts';
import { frozenResult, settleSlice } from './settle-slice.ts';

export function createSettle(dependencies: SettleDependencies) {
  const { ledger, end, source, telemetry } = dependencies;
  const { logger, count } = telemetry;
  const announcer = createAnnouncer({
    ...{ events: end.events, ledger },
    failed: (error) => logger.warn(LOG.eventNotSent, { error }),
  });

  async function settle({ job: jobId, slice }: SettleMessage, writer: string): Promise<void> {
    const known = await ledger.getJob(jobId);
    if (known === undefined || isEnded(known)) {
      logger.info(LOG.settleOfEndedJob, { job: jobId, slice });
      return;
    }
    if (known.ending === 'abandoned') {
      // An earlier invocation gave up on the job's report and stopped before the end was sent: finish that end.
      await failJob(end, known, known.fault);
      return;
    }
    const job =
      slice === undefined ? known : await settleSlice(dependencies, known, { job: jobId, slice }, writer);
    if (job === undefined) return;
    if (isSettled(job)) {
      const ended = await completeJob(end, job, (number) =>
        frozenResult(dependencies, job, { job: job.id, slice: number }, writer),
      );
      if (ended !== undefined && ended.state !== 'failed') count({ JobsCompleted: 1 });
    } else if (isLive(job)) await announcer.slices(job);
  }

  return eachRecord(source, telemetry, LOG.messageNotSettled, async ({ body }, { awsRequestId }) => {
    const parsed = parseSettleMessage(body);
    if (parsed.kind === 'unreadable') throw new Error(`unreadable message: ${parsed.reason}`);
    await settle(parsed.message, awsRequestId);
  });
}

export const handler = createHandler(settleConfiguration, settleDependencies, createSettle);
