// The messages on the queues. Each carries a schema version, so that a newer worker recognises an older message.
import * as z from 'zod/mini';
import { type BlockId, type ItemId, isJobId, type JobId } from '../job/identity.ts';
import { isItem, type ManifestItem } from '../manifest/columns.ts';
import type { SourceReading } from '../manifest/s3-source.ts';
import { boundedText, describeIssues } from '../text/bounded.ts';
import { onFirstUse } from '../time/on-first-use.ts';

export const SCHEMA_VERSION = 1;

const jobId = z.custom<JobId>((value) => typeof value === 'string' && isJobId(value), 'is not a job id');
const ordinal = z.int().check(z.nonnegative());

/** Made on first use, as the settle message is: upload has no use for either. */
const ingestMessage = onFirstUse(() =>
  z.discriminatedUnion('kind', [
    /**
     * On the ingest queue, beside S3's own notifications: read one slice. `ask` is the number of the request that a held slice
     * made for itself. A message without one starts such a chain of requests.
     */
    z.strictObject({
      v: z.literal(SCHEMA_VERSION),
      kind: z.literal('slice'),
      job: jobId,
      slice: ordinal,
      ask: z.optional(ordinal),
    }),
    /** On the ingest queue: continue to cut the manifest, from the cursor in the job's row. */
    z.strictObject({ v: z.literal(SCHEMA_VERSION), kind: z.literal('plan'), job: jobId }),
    /** On the ingest queue: the job runs again after a pause; send its slices again, from the number `from` on. */
    z.strictObject({
      v: z.literal(SCHEMA_VERSION),
      kind: z.literal('resume'),
      job: jobId,
      from: z.optional(ordinal),
    }),
  ]),
);
export type IngestMessage = z.infer<ReturnType<typeof ingestMessage>>;

/**
 * On the settle queue: a slice whose blocks have all closed, or a job (no slice) whose slices may all have settled.
 * `buried` counts how often it came back from the dead-letter queue. Messages of older versions carry this name too.
 */
const settleMessage = onFirstUse(() =>
  z.strictObject({
    v: z.literal(SCHEMA_VERSION),
    job: jobId,
    slice: z.optional(ordinal),
    buried: z.optional(ordinal),
  }),
);
export type SettleMessage = z.infer<ReturnType<typeof settleMessage>>;

/** An item's history. A reposted message has a new id and a new receive count, so it carries these along. */
export interface ItemHistory {
  /**
   * Epoch ms when the item was first sent; in a reposted message, when it was first received. The item is given up by its age
   * from then on.
   */
  firstSentAtMs: number;
  /** Requests to S3 so far, and how many of them S3 throttled. */
  attempts: number;
  throttled: number;
  /** Times it was given back by visibility delay, and by a new message. */
  returned: number;
  reposted: number;
}

/** On the upload queue: one item. It carries the row's own columns unchanged, so that a failed row is reported as it was written. */
export interface UploadMessage extends ItemId, ItemHistory, SourceReading {
  v: typeof SCHEMA_VERSION;
  /** Sent again for a row that had not ended: an earlier message, lost or dropped, may have written the object. */
  replay?: true | undefined;
  /** Came back from the dead-letter queue: a worker may have died of it, so it is uploaded alone. */
  suspect?: true | undefined;
  /** A suspect that was sent again, separately from the items with which it had come back. */
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
  parser: z.optional(ordinal),
  // Validated as at ingest: an item that can't be transferred must not fail its neighbours in the batch.
  item: z.custom<ManifestItem>(isItem, 'is no item of a manifest'),
});

/**
 * The message in the characters that every SQS accepts: those beyond the basic plane and those outside XML 1.0 are written as
 * JSON escapes.
 */
export function messageBody(message: UploadMessage | IngestMessage | SettleMessage): string {
  return escaped(JSON.stringify(message));
}

const UNFIT = /[\uD800-\uDFFF\uFFFE\uFFFF]/;
const UNFIT_ALL = new RegExp(UNFIT, 'g');

function escaped(json: string): string {
  // Hardly any message has such characters, and `replace` takes six times as long as `test` to find none (Node 24.21).
  if (!UNFIT.test(json)) return json;
  return json.replace(UNFIT_ALL, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
}

/**
 * Writes the first messages of a block's items: as messageBody writes them, but what they have in common is written once.
 * @param firstSentAtMs epoch ms
 */
export function createMessageWriter(
  { job, slice, block }: BlockId,
  firstSentAtMs: number,
  isReplay: boolean,
  reading: SourceReading = {},
): (row: Pick<UploadMessage, 'number' | 'line' | 'item'>) => string {
  const common = { job, slice, block, firstSentAtMs, attempts: 0, throttled: 0, returned: 0, reposted: 0 };
  const start = JSON.stringify({
    v: SCHEMA_VERSION,
    ...common,
    ...(isReplay ? { replay: true } : {}),
    ...reading,
  });
  const open = `${start.slice(0, -1)},`;
  return ({ number, line, item }) => open + escaped(JSON.stringify({ number, line, item }).slice(1));
}

export type Parsed<T> = { kind: 'message'; message: T } | { kind: 'unreadable'; reason: string };

export const parseUploadMessage = (body: string): Parsed<UploadMessage> =>
  parseBody(body, (json) => uploadMessage.safeParse(json));
export const parseSettleMessage = (body: string): Parsed<SettleMessage> =>
  parseBody(body, (json) => settleMessage().safeParse(json));
export const parseIngestMessage = (body: string): Parsed<IngestMessage> =>
  parseBody(body, (json) => ingestMessage().safeParse(json));

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
