// SETTLE: counts a slice whose rows have all ended, and completes a job whose slices have all settled. Of a job that is being
// ended it books the rows that have not ended, as cancelled or as lost.
//
//   1 merge     the slice's outcome files into its files of the report
//   2 freeze    the result, with a conditional write: the first wins, later ones read it
//   3 book      the slice on its job
//   4 complete  the last slice: the job's report, its event, its end
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import type { SliceId } from '../../shared/job/identity.ts';
import { isLive, type Job, unaccountedRows } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { SliceResult, SliceRow } from '../../shared/ledger/rows.ts';
import { isSettled } from '../../shared/ledger/tally.ts';
import { parseSettleMessage, type SettleMessage } from '../../shared/queue/messages.ts';
import { completeJob, type EndDependencies, failJob } from '../../shared/report/end-job.ts';
import type { ReportDependencies } from '../../shared/report/report.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import { readEnvironment, wholeNumber, wholeNumbers } from '../runtime/environment.ts';
import { instrument } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { eachRecord, type RecordSource } from '../runtime/records.ts';
import { createTelemetry, type Telemetry } from '../runtime/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../runtime/wiring.ts';
import { bookMissing, mayClose } from './close-slice.ts';
import { deleteReportFiles } from './report-file.ts';
import { writeSliceReport } from './slice-report.ts';

export interface SettleDependencies {
  ledger: Ledger;
  reports: ReportDependencies;
  end: EndDependencies;
  clock: Clock;
  /** Upload's timeout in milliseconds. */
  uploadMs: number;
  source: RecordSource;
  telemetry: Telemetry;
}

export function createSettle({
  ledger,
  reports,
  end,
  clock,
  uploadMs,
  source,
  telemetry,
}: SettleDependencies) {
  const { logger, count } = telemetry;
  const reader = { s3: reports.s3, clock, random: source.queue.random };

  /** @returns the slice's result, written and frozen, or undefined where it can't be yet */
  async function resultOf(job: Job, slice: SliceRow, writer: string): Promise<SliceResult | undefined> {
    if (slice.result !== undefined) return slice.result;
    if (!(await mayClose(ledger, job, slice, { uploadMs, nowMs: clock.now() }))) return undefined;
    const result = await writeSliceReport(reports, {
      job,
      slice,
      writer,
      book: (missing) => bookMissing(reader, job, slice, missing),
    });
    const standing = await ledger.freezeSlice({ job: job.id, slice: slice.slice }, result);
    // Another settle of the same slice was first: its files are the report's.
    const named = new Set(standing.files.map(({ key }) => key));
    await deleteReportFiles(
      reports,
      result.files.filter(({ key }) => !named.has(key)),
    );
    return standing;
  }

  /** @returns the job with the slice booked, or undefined where the slice is not to be settled now */
  async function settleSlice(known: Job, id: SliceId, writer: string): Promise<Job | undefined> {
    const slice = await ledger.getSlice(id);
    const result = slice === undefined ? undefined : await resultOf(known, slice, writer);
    if (slice === undefined || result === undefined) {
      logger.warn(LOG.sliceNotClosed, {
        job: id.job,
        slice: id.slice,
        closed: slice?.closedBlocks.size,
        blocks: slice?.blocks,
      });
      return undefined;
    }
    await ledger.expireBlocks(id, slice.blocks);
    const job = await ledger.settleSlice(id);
    logger.info(LOG.sliceSettled, { job: id.job, slice: id.slice, ...result.totals });
    return job;
  }

  async function settle({ job: jobId, slice }: SettleMessage, writer: string): Promise<void> {
    const known = await ledger.getJob(jobId);
    if (known === undefined || !isLive(known)) {
      logger.info(LOG.settleOfEndedJob, { job: jobId, slice });
      return;
    }
    if (known.ending === 'abandoned' && known.fault !== undefined) {
      // Settling died over its report and abandoned it: nothing more is settled, and its end is reported again.
      await failJob(end, known, known.fault);
      count({ JobsFailed: 1 });
      return;
    }
    const job = slice === undefined ? known : await settleSlice(known, { job: jobId, slice }, writer);
    if (slice !== undefined && job !== undefined) count({ SlicesSettled: 1 });
    if (job === undefined || !isSettled(job)) return;
    const ended = await completeJob(end, job);
    if (ended === undefined) return;
    const { totals, report } = ended;
    if (totals === undefined) throw new Error(`job ${jobId} ended without totals`);
    count(ended.state === 'failed' ? { JobsFailed: 1 } : { JobsCompleted: 1 });
    const unaccounted = unaccountedRows(totals);
    const line = { job: jobId, ...totals, unaccounted, report };
    if (unaccounted === 0) logger.info(LOG.jobCompleted, line);
    else logger.error(LOG.jobCompletedUnaccounted, line);
  }

  return eachRecord(source, telemetry, LOG.messageNotSettled, async ({ body }, { awsRequestId }) => {
    const parsed = parseSettleMessage(body);
    if (parsed.kind === 'unreadable') throw new Error(`unreadable message: ${parsed.reason}`);
    await settle(parsed.message, awsRequestId);
  });
}

function dependenciesFromEnvironment(telemetry: Telemetry): SettleDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_SETTLE_QUEUE_URL',
    'SPILLWAY_EVENT_BUS',
    'SPILLWAY_UPLOAD_SECONDS',
    'SPILLWAY_RETRY_SECONDS',
  ]);
  const queue = wireQueue(CLIENT_BUDGETS.settle);
  const { ledger } = wireLedger(env, queue, CLIENT_BUDGETS.settle);
  const reports = wireReports(env, CLIENT_BUDGETS.settle);
  return {
    ledger,
    reports,
    end: wireEnd(env, reports, ledger, CLIENT_BUDGETS.settle),
    clock: systemClock,
    uploadMs: wholeNumber(env, 'SPILLWAY_UPLOAD_SECONDS') * 1000,
    source: {
      queue,
      queueUrl: env.SPILLWAY_SETTLE_QUEUE_URL,
      retrySeconds: wholeNumbers(env, 'SPILLWAY_RETRY_SECONDS'),
    },
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createSettle(dependenciesFromEnvironment(telemetry)));
