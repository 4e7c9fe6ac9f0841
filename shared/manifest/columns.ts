// The columns of a manifest row, and what each may hold.
import * as z from 'zod/mini';
import { isBucketName } from '../keys/bucket-name.ts';
import { MAX_KEY_BYTES } from '../keys/destination.ts';
import { redacted } from '../text/redacted.ts';
import { visibleText } from '../text/visible.ts';
import { CONTENT_TYPE } from './content-type.ts';
import type { RowFault } from './faults.ts';
import { nearMiss } from './near-miss.ts';
import { createPlainItems } from './plain-item.ts';

/**
 * Frozen in each job. A parser has a new number if it finds other rows in the same bytes, or accepts other rows.
 *
 *   2   rejects a repeated header line (1 made an object of it); skips a byte order mark before a line of NDJSON
 *   3   NDJSON: accepts numbers where text is expected, and sizes as strings; sources may be in buckets with old names
 */
export const PARSER_VERSION = 3;

/** S3's limit on an object: 50 TB, taken as 50 x 1,024^4. */
const maximumObjectBytes = 50 * 1024 ** 4;

/** An inline object travels in its SQS message: 64 KiB keeps ten of them, in base64, within a batch of 1 MiB. */
const maximumInlineBytes = 64 * 1024;
const maximumInlineBase64Length = Math.ceil(maximumInlineBytes / 3) * 4;

/** Columns of Spillway's own reports. They are ignored, so that a report can be a manifest unchanged. */
const reservedPrefix = 'spillway_';

/** A file that is not a manifest can have thousands of columns. */
const maximumNamedColumns = 5;

// Lone surrogates have no UTF-8. The two noncharacters are outside XML 1.0: SQS refuses a message that holds them, and
// JSON.stringify does not escape them. All other characters are accepted, as in S3: control characters reach SQS as
// JSON escapes, and S3 accepts any UTF-8 in a key.
const nonCharacters = /[\uFFFE\uFFFF]/;

type Check<T> = z.core.CheckFn<T>;

function fault<T>(payload: z.core.ParsePayload<T>, code: RowFault, message: string): void {
  payload.issues.push({
    code: 'custom',
    input: payload.value,
    params: { fault: code },
    message,
    continue: true,
  });
}

const fitCharacters =
  (column: string): Check<string> =>
  (payload) => {
    if (!payload.value.isWellFormed()) {
      fault(payload, 'UnfitCharacters', `${column} holds a lone surrogate`);
    } else if (nonCharacters.test(payload.value)) {
      fault(payload, 'UnfitCharacters', `${column} holds U+FFFE or U+FFFF, which SQS refuses`);
    }
  };

const fitKey: Check<string> = (payload) => {
  if (payload.value === '') {
    fault(payload, 'KeyMissing', 'key is missing');
  } else if (isKeyTooLong(payload.value)) {
    const bytes = Buffer.byteLength(payload.value);
    fault(payload, 'KeyTooLong', `key has ${bytes} bytes; S3 takes ${MAX_KEY_BYTES}`);
  }
};

const fitSource: Check<string> = (payload) => {
  const source = splitSource(payload.value);
  if (source === undefined || !isBucketName(source.bucket)) {
    const shown = quoted(redacted(payload.value).slice(0, 200));
    fault(
      payload,
      'SourceInvalid',
      `source ${shown} is not s3://bucket/key, with the key as it stands in S3`,
    );
  } else if (isKeyTooLong(source.key)) {
    fault(payload, 'SourceInvalid', `the key in source has more than ${MAX_KEY_BYTES} bytes`);
  }
};

const fitVersion: Check<string> = (payload) => {
  if (!/^[\x21-\x7e]{1,1024}$/.test(payload.value)) {
    fault(payload, 'VersionInvalid', 'source_version is no version id of S3');
  }
};

const fitText: Check<string> = (payload) => {
  if (
    payload.value.length * 3 > maximumInlineBytes &&
    Buffer.byteLength(payload.value) > maximumInlineBytes
  ) {
    fault(
      payload,
      'TextTooLarge',
      `text is above ${maximumInlineBytes} bytes: put it in S3 and name it in source`,
    );
  }
};

const fitBase64: Check<string> = (payload) => {
  if (payload.value.length > maximumInlineBase64Length + 4) {
    fault(
      payload,
      'Base64TooLarge',
      `base64 is above ${maximumInlineBytes} bytes: put it in S3 and name it in source`,
    );
    return;
  }
  const bytes = Buffer.from(payload.value, 'base64');
  // Buffer skips characters that are not base64. Only text without them is the same after decoding and encoding.
  if (bytes.toString('base64') !== payload.value) {
    fault(payload, 'Base64Invalid', 'base64 is not valid: standard alphabet, padded, without line breaks');
  } else if (bytes.length > maximumInlineBytes) {
    fault(
      payload,
      'Base64TooLarge',
      `base64 is above ${maximumInlineBytes} bytes: put it in S3 and name it in source`,
    );
  }
};

const fitContentType: Check<string> = (payload) => {
  if (!CONTENT_TYPE.test(payload.value)) {
    fault(payload, 'ContentTypeInvalid', 'content_type is not 1 to 256 printable ASCII characters');
  }
};

const sizeMessage = `size is no whole number of bytes from 0 to ${maximumObjectBytes}`;

// An empty CSV field, quoted or not, is an absent one: CSV writers write either.
const missingPayload =
  'none of source, text and base64 is given (an empty object is "text": "" in NDJSON; in CSV an empty field is an absent one)';

const string = (column: string) => z.string({ error: (issue) => wrongType(column, issue.input) });

const itemSchema = z
  .strictObject({
    key: string('key').check(fitKey, fitCharacters('key')),
    source: z.exactOptional(string('source').check(fitSource, fitCharacters('source'))),
    source_version: z.exactOptional(string('source_version').check(fitVersion)),
    text: z.exactOptional(string('text').check(fitText, fitCharacters('text'))),
    base64: z.exactOptional(string('base64').check(fitBase64)),
    content_type: z.exactOptional(string('content_type').check(fitContentType)),
    size: z.exactOptional(
      z
        .number({ error: sizeMessage })
        .check(
          z.int({ error: sizeMessage }),
          z.gte(0, { error: sizeMessage }),
          z.lte(maximumObjectBytes, { error: sizeMessage }),
        ),
    ),
  })
  // Checked even where a column is wrong, so that every fault is reported at once.
  .check(z.check(fitPayload, { when: () => true }));

export type ManifestItem = z.infer<typeof itemSchema>;

/** Every column of a manifest, in the order in which messages name them. */
export const knownColumns: readonly string[] = Object.keys(itemSchema.def.shape);

/** Exactly one of these says what the object is: each is a source, in sources/table.ts. */
export const payloadColumns = ['source', 'text', 'base64'] as const;
export type PayloadColumn = (typeof payloadColumns)[number];

export type ParsedItem =
  | { kind: 'good'; item: ManifestItem }
  | { kind: 'bad'; faults: { code: RowFault; message: string }[] };

const isPlainItem = createPlainItems(maximumObjectBytes);

/**
 * Validates a row whose fields have names; never throws. Fields of value null and `spillway_*` ones are removed before. A good
 * item may be the record itself: the caller leaves it unchanged.
 */
export function parseItem(record: Record<string, unknown>): ParsedItem {
  return isPlainItem(record) ? { kind: 'good', item: record as ManifestItem } : parseItemBySchema(record);
}

/** All rows but the plainly good ones. */
export function parseItemBySchema(record: Record<string, unknown>): ParsedItem {
  const parsed = itemSchema.safeParse(record);
  return parsed.success
    ? { kind: 'good', item: parsed.data }
    : { kind: 'bad', faults: parsed.error.issues.map((issue) => toFault(issue, record)) };
}

function toFault(
  issue: z.core.$ZodIssue,
  record: Record<string, unknown>,
): { code: RowFault; message: string } {
  if (issue.code === 'unrecognized_keys') {
    return { code: 'UnknownColumn', message: unknownColumns(issue.keys) };
  }
  const column = String(issue.path[0] ?? '');
  if (column === 'size') {
    return { code: 'SizeInvalid', message: issue.message };
  }
  if (issue.code === 'custom') {
    return { code: issue.params?.fault, message: issue.message };
  }
  const isKeyMissing = column === 'key' && record.key === undefined;
  return { code: isKeyMissing ? 'KeyMissing' : 'WrongType', message: issue.message };
}

/** A sentence that names the columns, what each may have been meant to be, and the ones there are. */
export function unknownColumns(names: string[]): string {
  const named = names.slice(0, maximumNamedColumns).map((name) => {
    const near = nearMiss(name, knownColumns);
    const shown = quoted(redacted(name).slice(0, 100));
    return near === undefined ? shown : `${shown} (did you mean ${near}?)`;
  });
  const more = names.length > named.length ? ` and ${names.length - named.length} more` : '';
  const label = names.length === 1 ? 'unknown column' : 'unknown columns';
  return `${label} ${named.join(', ')}${more}; there are ${knownColumns.join(', ')}, and spillway_* are ignored`;
}

/** Without this, a name with a zero-width space would look like the right one. */
function quoted(text: string): string {
  return visibleText(JSON.stringify(text));
}

export function isKnownColumn(name: string): boolean {
  return knownColumns.includes(name);
}

export function isReservedColumn(name: string): boolean {
  return name.startsWith(reservedPrefix);
}

/** `s3://bucket/key`, raw: what follows the bucket's slash is the key, byte for byte. */
export function splitSource(source: string): { bucket: string; key: string } | undefined {
  const slash = source.indexOf('/', 's3://'.length);
  if (!source.startsWith('s3://') || slash === -1 || slash === source.length - 1) {
    return undefined;
  }
  return { bucket: source.slice('s3://'.length, slash), key: source.slice(slash + 1) };
}

/** A UTF-16 unit is at most 3 bytes of UTF-8, so most keys need no counting. */
function isKeyTooLong(key: string): boolean {
  return key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES;
}

function wrongType(column: string, input: unknown): string {
  const kind = Array.isArray(input)
    ? 'a list'
    : typeof input === 'object'
      ? 'an object'
      : `a ${typeof input}`;
  if (input === undefined) return `${column} is missing`;
  const remedy = typeof input === 'number' ? quoteNumber : typeof input === 'boolean' ? ': quote it' : '';
  return `${column} is ${kind}, not a string${remedy}`;
}

const quoteNumber =
  ': quote it, so that no digit is lost (key, text and source_version take numbers up to 2^53, without an exponent or closing zeros)';

function fitPayload(payload: z.core.ParsePayload<Record<string, unknown>>): void {
  const row = payload.value;
  const given = payloadColumns.filter((column) => row[column] !== undefined);
  if (given.length === 0) {
    fault(payload, 'PayloadMissing', missingPayload);
  } else if (given.length > 1) {
    fault(payload, 'PayloadAmbiguous', `${given.join(' and ')} are given: a row has exactly one of them`);
  }
  if (row.source_version !== undefined && row.source === undefined) {
    fault(payload, 'VersionInvalid', 'source_version stands without a source');
  }
}
