// Settles one slice: writes its files of the report, freezes its result, and records it on the job.

import type { SliceId } from '../../shared/job/identity.ts';
import { isEnding, type Job, type LiveJob } from '../../shared/job/job.ts';
import type { SliceResult, SliceRow } from '../../shared/ledger/rows.ts';
import { LOG } from '../runtime/log-messages.ts';
import { bookMissing, mayClose, readBooked } from './close-slice.ts';
import type { SettleDependencies } from './dependencies.ts';
import { deleteReportFiles } from './report-file.ts';
import { writeSliceReport } from './slice-report.ts';

/**
 * @param writer makes the names of the files unique to this invocation
 * @returns the job with the slice recorded; undefined when the slice can't be settled yet
 * @throws UnreadableRowError, and an error where the slice has no row
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
  // The message stays in its queue and is tried until the job's end, in case the row is restored.
  if (slice === undefined) throw new Error(`slice ${id.job}/${id.slice} has no row in the ledger to settle`);
  const result = await resultOf(dependencies, known, slice, writer);
  if (result === undefined) {
    const { closedBlocks, blocks } = slice;
    logger.warn(LOG.sliceNotClosed, { job: id.job, slice: id.slice, closed: closedBlocks.size, blocks });
    return undefined;
  }
  await ledger.expireBlocks(id, slice.blocks);
  const job = await ledger.settleSlice(id);
  logger.info(LOG.sliceSettled, { job: id.job, slice: id.slice, ...result.totals });
  if (job !== undefined) count({ SlicesSettled: 1 });
  return job;
}

/** @returns the slice's result; undefined when it has none yet. @throws UnreadableRowError */
export async function frozenResult(
  dependencies: SettleDependencies,
  job: LiveJob,
  id: SliceId,
  writer: string,
): Promise<SliceResult | undefined> {
  const slice = await dependencies.ledger.getSlice(id);
  return slice === undefined ? undefined : resultOf(dependencies, job, slice, writer);
}

/** @returns the slice's frozen result; undefined when it can't be frozen yet */
async function resultOf(
  { ledger, reports, source, clock, uploadMs, telemetry }: SettleDependencies,
  job: LiveJob,
  slice: SliceRow,
  writer: string,
): Promise<SliceResult | undefined> {
  if (slice.result !== undefined) return slice.result;
  const id: SliceId = { job: job.id, slice: slice.slice };
  if (slice.damagedResult !== undefined) telemetry.logger.error(LOG.sliceResultDamaged, { ...id });
  if (!(await mayClose(ledger, job, slice, { uploadMs, nowMs: clock.now() }))) return undefined;
  const reader = { s3: reports.s3, clock, random: source.queue.random };
  const result = await writeSliceReport(reports, {
    job,
    slice,
    writer,
    booksDamaged: isEnding(job),
    async *book(missing, damage) {
      if (damage !== undefined)
        telemetry.logger.error(LOG.outcomesGivenUp, { ...id, missing: missing.size, ...damage });
      const wasBooked = damage && (await readBooked(ledger, id, slice.blocks));
      yield* bookMissing(reader, job, slice, missing, wasBooked);
    },
  });
  const frozen = await ledger.freezeSlice(id, result, slice.damagedResult);
  // Another invocation that settled the same slice may have been first: then its files belong to the report.
  const named = new Set(frozen.files.map(({ key }) => key));
  await deleteReportFiles(
    reports,
    result.files.filter(({ key }) => !named.has(key)),
  );
  return frozen;
}
