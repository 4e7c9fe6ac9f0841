// The order for a redrive: a small object in the inbox in the place of a manifest. It names the report of an ended job, whose
// files of kind `failed` are manifests as they stand.
import * as z from 'zod/mini';
import { boundedText, describeIssues } from '../text/bounded.ts';
import { parseJson } from '../text/parse-json.ts';
import { isJobId, type JobId } from './identity.ts';

/** Bytes of a report's place that a message shows: more than any of our buckets and keys has. */
const REPORT_PLACE_BYTES = 300;

export const REDRIVE_CONTENT_TYPE = 'application/vnd.spillway.redrive+json';

/** An order for a redrive, and no manifest. */
export function isRedriveOrder(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === REDRIVE_CONTENT_TYPE;
}

/** Of a job's report; the second form where another drop's report had the first. */
export const REPORT_NAME = /^manifest(-\d+)?\.json$/;

const order = z.strictObject({
  redriveOf: z.string().check(z.refine(isJobId, 'is no job id')),
  report: z.string(),
});

export interface RedriveOrder {
  redriveOf: JobId;
  /** s3://bucket/key of the ended job's manifest.json. */
  report: string;
}

export type ParsedOrder =
  | { kind: 'order'; redriveOf: JobId; report: { bucket: string; key: string } }
  | { kind: 'invalid'; message: string };

/** @param reportBucket the deployment's: writers to the inbox must not choose another place for ingest to read from */
export function parseRedriveOrder(text: string, reportBucket: string): ParsedOrder {
  const parsed = order.safeParse(parseJson(text));
  if (!parsed.success) {
    const faults = describeIssues(parsed.error.issues, 'it');
    return { kind: 'invalid', message: boundedText(`the order for a redrive can't be read: ${faults}`) };
  }
  const redriveOf = parsed.data.redriveOf as JobId;
  const folder = `s3://${reportBucket}/jobs/${redriveOf}/`;
  const { report } = parsed.data;
  const name = report.startsWith(folder) ? report.slice(folder.length) : '';
  if (!REPORT_NAME.test(name)) {
    return {
      kind: 'invalid',
      message: `the order for a redrive names the report ${boundedText(report, REPORT_PLACE_BYTES)}: that of job ${redriveOf} is ${folder}manifest.json`,
    };
  }
  const key = `jobs/${redriveOf}/${name}`;
  return { kind: 'order', redriveOf, report: { bucket: reportBucket, key } };
}
