// Reads the report of a job that is redriven: the job's options, and the files of the rows that it did not store.
import * as z from 'zod/mini';
import { classifyFault } from '../../shared/aws/classify.ts';
import { isGone, type ObjectReader, readAgain } from '../../shared/aws/object-range.ts';
import { type JobFault, jobFault, type NamedManifest } from '../../shared/job/job.ts';
import { type JobOptions, storedOptions } from '../../shared/job/options.ts';
import type { StoredObject } from '../../shared/keys/stored-object.ts';
import { MAX_REPORT_BYTES, readReportText } from '../../shared/report/report.ts';
import { describeIssues } from '../../shared/text/bounded.ts';
import { parseJson } from '../../shared/text/parse-json.ts';

const jobReport = z.object({
  version: z.literal(1),
  // Absent where its job failed before they were read.
  options: z.optional(storedOptions),
  parserVersion: z.optional(z.int()),
  files: z.array(z.object({ kind: z.string(), key: z.string(), bytes: z.int().check(z.nonnegative()) })),
});

export type RedriveReport =
  | { kind: 'readable'; options: JobOptions; parserVersion?: number; files: NamedManifest[] }
  | { kind: 'unreadable'; fault: JobFault };

/** @returns the files of failed rows, in the report's order: at least one */
export async function readRedriveReport(
  reader: ObjectReader,
  { bucket, key }: StoredObject,
): Promise<RedriveReport> {
  const place = `s3://${bucket}/${key}`;
  const unreadable = (code: string, message: string): RedriveReport => ({
    kind: 'unreadable',
    fault: jobFault(code, message),
  });
  let text: string | undefined;
  try {
    text = await readAgain(reader, () => readReportText(reader.s3, { bucket, key }));
  } catch (error) {
    if (!isGone(classifyFault(error))) throw error;
    return unreadable(
      'ReportGone',
      `${place} was deleted: without the report of the job that is to be redriven, drop what is missing as a manifest`,
    );
  }
  if (text === undefined)
    return unreadable('ReportUnreadable', `${place} has more than ${MAX_REPORT_BYTES} bytes`);
  const parsed = jobReport.safeParse(parseJson(text));
  if (!parsed.success) {
    const faults = describeIssues(parsed.error.issues, 'it');
    return unreadable('ReportUnreadable', `${place} is no report of this version: ${faults}`);
  }
  const { options, parserVersion, files } = parsed.data;
  const failed = files.filter(({ kind }) => kind === 'failed');
  if (failed.length === 0 || options === undefined) {
    return unreadable(
      'NothingToRedrive',
      `${place} names no file of failed rows: nothing had failed, or the job's option report was none`,
    );
  }
  return {
    kind: 'readable',
    options,
    ...(parserVersion === undefined ? {} : { parserVersion }),
    files: failed.map((file) => ({ bucket, key: file.key, sizeBytes: file.bytes })),
  };
}
