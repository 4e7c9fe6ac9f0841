// Settles one slice: writes its files of the report, freezes its result, and records it on the job.

import type { SliceId } from '../../shared/job/identity.ts';
import type { Job, LiveJob } from '../../shared/job/job.ts';
import type { SliceResult, SliceRow } from '../../shared/ledger/rows.ts';
import { LOG } from '../runtime/log-messages.ts';
import { bookMissing, mayClose } from './close-slice.ts';
import type { SettleDependencies } from './dependencies.ts';
import { deleteReportFiles } from './report-file.ts';
import { writeSliceReport } from './slice-report.ts';

/**
 * @param writer makes the names of the files unique to this invocation
 * @returns the job with the slice recorded; undefined when the slice can't be settled yet
 */
export async function settleSlice(
  dependencies: SettleDependencies,
  known: LiveJob,
  id: SliceId,
  writer: string,
): Promise<Job | undefined> {
  const { ledger, telemetry } = dependencies;
  const { logger, count } = telemetry;
  const slice = await ledger.getSlice(id);
  const result = slice === undefined ? undefined : await resultOf(dependencies, known, slice, writer);
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
  if (job !== undefined) count({ SlicesSettled: 1 });
  return job;
}

/** @returns the slice's frozen result; undefined when it can't be frozen yet */
async function resultOf(
  { ledger, reports, source, clock, uploadMs }: SettleDependencies,
  job: LiveJob,
  slice: SliceRow,
  writer: string,
): Promise<SliceResult | undefined> {
  if (slice.result !== undefined) return slice.result;
  if (!(await mayClose(ledger, job, slice, { uploadMs, nowMs: clock.now() }))) return undefined;
  const reader = { s3: reports.s3, clock, random: source.queue.random };
  const result = await writeSliceReport(reports, {
    job,
    slice,
    writer,
    book: (missing) => bookMissing(reader, job, slice, missing),
  });
  const frozen = await ledger.freezeSlice({ job: job.id, slice: slice.slice }, result);
  // Another invocation that settled the same slice may have been first: then its files belong to the report.
  const named = new Set(frozen.files.map(({ key }) => key));
  await deleteReportFiles(
    reports,
    result.files.filter(({ key }) => !named.has(key)),
  );
  return frozen;
}
