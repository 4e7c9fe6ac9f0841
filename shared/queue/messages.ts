// What travels on the queues. Every message carries a schema version, so that a newer worker can tell an older message.
import * as z from 'zod/mini';
import { type ItemId, isJobId, type JobId } from '../job/identity.ts';
import { type ManifestItem, parseItem } from '../manifest/columns.ts';
import { boundedText, describeIssues } from '../text/bounded.ts';

export const SCHEMA_VERSION = 1;

const jobId = z.custom<JobId>((value) => typeof value === 'string' && isJobId(value), 'is not a job id');
const ordinal = z.int().check(z.nonnegative());

/** On the ingest queue, beside S3's own notifications: read one slice. */
const sliceMessage = z.strictObject({
  v: z.literal(SCHEMA_VERSION),
  kind: z.literal('slice'),
  job: jobId,
  slice: ordinal,
});
/** On the ingest queue: go on cutting the manifest where the job's row says. */
const planMessage = z.strictObject({ v: z.literal(SCHEMA_VERSION), kind: z.literal('plan'), job: jobId });
/** On the ingest queue: the job runs again after a pause; its slices numbered `from` on are to be sent again. */
const resumeMessage = z.strictObject({
  v: z.literal(SCHEMA_VERSION),
  kind: z.literal('resume'),
  job: jobId,
  from: z.optional(ordinal),
});
export const ingestMessage = z.discriminatedUnion('kind', [sliceMessage, planMessage, resumeMessage]);
export type IngestMessage = z.infer<typeof ingestMessage>;

/**
 * On the settle queue: a slice whose blocks have all closed, or a job (no slice) whose slices may all have settled.
 * `buried` counts how often it came back from the dead-letter queue.
 */
export const settleMessage = z.strictObject({
  v: z.literal(SCHEMA_VERSION),
  job: jobId,
  slice: z.optional(ordinal),
  buried: z.optional(ordinal),
});
export type SettleMessage = z.infer<typeof settleMessage>;

/** How an item has fared under earlier messages: a reposted message has a new id and receive count, so it carries these. */
export interface ItemHistory {
  /**
   * When the item was first sent, epoch ms; in a reposted message, when it was first received: its age from then on
   * decides when it is given up.
   */
  firstSentAtMs: number;
  /** Requests to S3 so far, and how many of them S3 throttled. */
  attempts: number;
  throttled: number;
  /** Times it was given back by visibility delay, and by a new message. */
  returned: number;
  reposted: number;
}

/** On the upload queue: one item. The row's own columns travel as they stand, so that a failed row can be reported as it came. */
export interface UploadMessage extends ItemId, ItemHistory {
  v: typeof SCHEMA_VERSION;
  /** Sent again for a row that had not ended: an earlier message, lost or dropped, may have written the object. */
  replay?: true | undefined;
  /** Came back from the dead-letter queue: a worker may have died of it, so it is uploaded alone. */
  suspect?: true | undefined;
  /** A suspect that was sent again, apart from the items that it had come back with. */
  parted?: true | undefined;
  /** The row's line in the manifest, 1-based: its place in reports. */
  line: number;
  item: ManifestItem;
}

const uploadMessage = z.strictObject({
  v: z.literal(SCHEMA_VERSION),
  job: jobId,
  slice: ordinal,
  block: ordinal,
  number: ordinal,
  line: ordinal,
  firstSentAtMs: ordinal,
  attempts: ordinal,
  throttled: ordinal,
  returned: ordinal,
  reposted: ordinal,
  replay: z.optional(z.literal(true)),
  suspect: z.optional(z.literal(true)),
  parted: z.optional(z.literal(true)),
  // Judged as ingest judged it: an item that no transfer can be made of must not take its neighbours in the batch with it.
  item: z.custom<ManifestItem>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      parseItem(value as Record<string, unknown>).kind === 'good',
    'is no item of a manifest',
  ),
});

/**
 * The message as SQS takes it: characters beyond the basic plane, and those that XML 1.0 leaves out, go as JSON escapes, for
 * not every SQS lets them through as they stand.
 */
export function messageBody(message: UploadMessage | IngestMessage | SettleMessage): string {
  return JSON.stringify(message).replace(
    /[\uD800-\uDFFF\uFFFE\uFFFF]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16)}`,
  );
}

export type Parsed<T> = { kind: 'message'; message: T } | { kind: 'unreadable'; reason: string };

export const parseUploadMessage = (body: string): Parsed<UploadMessage> =>
  parseBody(body, (json) => uploadMessage.safeParse(json));
export const parseSettleMessage = (body: string): Parsed<SettleMessage> =>
  parseBody(body, (json) => settleMessage.safeParse(json));
export const parseIngestMessage = (body: string): Parsed<IngestMessage> =>
  parseBody(body, (json) => ingestMessage.safeParse(json));

function parseBody<T>(body: string, validate: (json: unknown) => z.core.util.SafeParseResult<T>): Parsed<T> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    return { kind: 'unreadable', reason: boundedText(`not JSON: ${(error as Error).message}`) };
  }
  const parsed = validate(json);
  if (parsed.success) return { kind: 'message', message: parsed.data };
  return { kind: 'unreadable', reason: describeIssues(parsed.error.issues, 'message') };
}
