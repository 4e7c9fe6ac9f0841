// The messages on the queues. Each carries a schema version, so that a newer worker recognises an older message.
import { type BlockId, type ItemId, isJobId, type JobId, type SliceId } from '../job/identity.ts';
import { isItem, type ManifestItem } from '../manifest/columns.ts';
import { PlainItem, plainItemJson } from '../manifest/plain-row.ts';
import type { SourceReading } from '../manifest/s3-source.ts';
import { boundedNames, boundedText } from '../text/bounded.ts';
import { isRecord } from '../text/parse-json.ts';

export const SCHEMA_VERSION = 1;

interface Versioned {
  v: typeof SCHEMA_VERSION;
}

/**
 * On the ingest queue, beside S3's own notifications: read one slice. `ask` is the number of the request that a held slice made
 * for itself. A message without one starts such a chain of requests.
 */
interface SliceMessage extends Versioned, SliceId {
  kind: 'slice';
  ask?: number | undefined;
}

/** On the ingest queue: continue to cut the manifest, from the cursor in the job's row. */
interface PlanMessage extends Versioned {
  kind: 'plan';
  job: JobId;
}

/** On the ingest queue: the job runs again after a pause; send its slices again, from the number `from` on. */
interface ResumeMessage extends Versioned {
  kind: 'resume';
  job: JobId;
  from?: number | undefined;
}

export type IngestMessage = SliceMessage | PlanMessage | ResumeMessage;

/**
 * On the settle queue: a slice whose blocks have all closed, or a job (no slice) whose slices may all have settled.
 * `buried` counts how often it came back from the dead-letter queue. Messages of older versions carry this name too.
 */
export interface SettleMessage extends Versioned {
  job: JobId;
  slice?: number | undefined;
  buried?: number | undefined;
}

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
  /**
   * True for a separated suspect: one that was sent again apart from the items with which it had come back. The name is that of
   * the wire.
   */
  parted?: true | undefined;
  /** The row's line in the manifest, 1-based: its place in reports. */
  line: number;
  item: ManifestItem;
}

/** What a field holds. */
interface Field {
  fits: (value: unknown) => boolean;
  /** What is wrong with any other value, to stand behind the field's name. */
  fault: string;
  isOptional?: true;
}

/** By the names of all fields of a message: others are refused. */
type Fields<Message> = Readonly<Record<keyof Message, Field>>;

// No schemas of zod: building the one of upload messages took a thirtieth of a cold start of upload, and zod's code as much.
const version = only(SCHEMA_VERSION);
const jobId: Field = {
  fits: (value) => typeof value === 'string' && isJobId(value),
  fault: 'is not a job id',
};
const ordinal: Field = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  fault: 'is no whole number from 0',
};

function only(expected: string | number | boolean): Field {
  return { fits: (value) => value === expected, fault: `is not ${JSON.stringify(expected)}` };
}

function optional(field: Field): Field {
  return { ...field, isOptional: true };
}

const UPLOAD_FIELDS: Fields<UploadMessage> = {
  v: version,
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
  replay: optional(only(true)),
  suspect: optional(only(true)),
  parted: optional(only(true)),
  parser: optional(ordinal),
  // Validated as at ingest: an item that can't be transferred must not fail its neighbours in the batch.
  item: { fits: isItem, fault: 'is no item of a manifest' },
};

const SETTLE_FIELDS: Fields<SettleMessage> = {
  v: version,
  job: jobId,
  slice: optional(ordinal),
  buried: optional(ordinal),
};

const SLICE_FIELDS: Fields<SliceMessage> = {
  v: version,
  kind: only('slice'),
  job: jobId,
  slice: ordinal,
  ask: optional(ordinal),
};
const PLAN_FIELDS: Fields<PlanMessage> = { v: version, kind: only('plan'), job: jobId };
const RESUME_FIELDS: Fields<ResumeMessage> = {
  v: version,
  kind: only('resume'),
  job: jobId,
  from: optional(ordinal),
};

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
 * Writes the first messages of a block's items, as messageBody does, but builds their common part only once.
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
  const open = `${start.slice(0, -1)},"number":`;
  return ({ number, line, item }) =>
    item instanceof PlainItem
      ? `${open}${number},"line":${line},"item":${plainItemJson(item)}}`
      : `${open}${number},"line":${line},"item":${escaped(JSON.stringify(item))}}`;
}

export type Parsed<T> = { kind: 'message'; message: T } | { kind: 'unreadable'; reason: string };

export const parseUploadMessage = (body: string): Parsed<UploadMessage> =>
  parseBody(body, () => UPLOAD_FIELDS);
export const parseSettleMessage = (body: string): Parsed<SettleMessage> =>
  parseBody(body, () => SETTLE_FIELDS);
export const parseIngestMessage = (body: string): Parsed<IngestMessage> =>
  parseBody<IngestMessage>(body, ({ kind }) => {
    if (kind === 'plan') return PLAN_FIELDS;
    return kind === 'resume' ? RESUME_FIELDS : SLICE_FIELDS;
  });

/** @param fieldsOf those that the message should have */
function parseBody<Message>(
  body: string,
  fieldsOf: (json: Readonly<Record<string, unknown>>) => Readonly<Record<string, Field>>,
): Parsed<Message> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    return { kind: 'unreadable', reason: boundedText(`not JSON: ${(error as Error).message}`) };
  }
  if (!isRecord(json)) return { kind: 'unreadable', reason: 'message: is no JSON object' };
  const faults = faultsOf(json, fieldsOf(json));
  if (faults.length === 0) return { kind: 'message', message: json as unknown as Message };
  return { kind: 'unreadable', reason: boundedText(faults.join('; ')) };
}

function faultsOf(
  json: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Field>>,
): string[] {
  const faults = Object.entries(fields).flatMap(([name, { fits, fault, isOptional }]) => {
    if (!Object.hasOwn(json, name)) return isOptional === true ? [] : [`${name}: is missing`];
    return fits(json[name]) ? [] : [`${name}: ${fault}`];
  });
  const unknown = Object.keys(json).filter((name) => !Object.hasOwn(fields, name));
  return unknown.length === 0 ? faults : [...faults, `message: unknown ${boundedNames(unknown)}`];
}
