// Recognises a job's own report, manifest.json, that was dropped as a manifest: it orders a redrive of that job.
//
// Only the job's id is taken from it. Its rows are read from the report bucket, where none but the pipeline writes: so a file that
// looks like a report can't make ingest read anything else.
import { isJobId } from '../../shared/job/identity.ts';
import { type ParsedOrder, parseRedriveOrder, REPORT_NAME } from '../../shared/job/redrive-order.ts';
import type { ManifestStart } from '../../shared/manifest/format.ts';

/** As report.ts begins every report. The rest may be megabytes, and is not read. */
const BEGINNING = /^\s*\{\s*"version"\s*:\s*1\s*,\s*"job"\s*:\s*"([^"\\]{1,200})"\s*,\s*"state"\s*:/;

/**
 * @param key of the dropped file: a report that is not its job's first has a name of its own, which must be kept
 * @returns undefined where the start is not that of a report
 */
export function reportOrderOf(
  { bytes }: ManifestStart,
  key: string,
  reportBucket: string,
): ParsedOrder | undefined {
  const job = BEGINNING.exec(bytes.toString('latin1', 0, 4_096))?.[1];
  if (job === undefined || !isJobId(job)) return undefined;
  const name = key.slice(key.lastIndexOf('/') + 1);
  const report = REPORT_NAME.test(name) ? name : 'manifest.json';
  const order = { redriveOf: job, report: `s3://${reportBucket}/jobs/${job}/${report}` };
  return parseRedriveOrder(JSON.stringify(order), reportBucket);
}
