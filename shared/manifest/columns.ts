// The columns of a manifest row, and what each may hold.
import * as z from 'zod/mini';
import { isBucketName } from '../keys/bucket-name.ts';
import { MAX_KEY_BYTES } from '../keys/destination.ts';
import { redacted, redactedUnknown } from '../text/redacted.ts';
import { onFirstUse } from '../time/on-first-use.ts';
import { attributeColumns } from './attribute-columns.ts';
import {
  type Check,
  fault,
  fitCharacters,
  nonCharacters,
  quoted,
  string,
  wrongType,
} from './column-checks.ts';
import type { RowFault } from './faults.ts';
import { isNamedColumn, targetOf } from './named-columns.ts';
import { nearMiss } from './near-miss.ts';
import { createPlainItems } from './plain-item.ts';
import { splitSource } from './s3-source.ts';
import { isWebSource, parseWebSource } from './web-source.ts';

/**
 * Frozen in each job. A parser has a new number if it finds other rows in the same bytes, or accepts other rows.
 *
 *   2   rejects a repeated header line (1 made an object of it); skips a byte order mark before a line of NDJSON
 *   3   NDJSON: accepts numbers where text is expected, and sizes as strings; sources may be in buckets with old names
 *   4   reads TSV, S3 Batch Operations CSV, and the columns that a key template names; `?versionId=` in a source
 */
export const PARSER_VERSION = 4;

/** What S3 can be sent of an object: 10,000 parts of 5 GiB, which is 48.8 TiB. */
const maximumObjectBytes = 10_000 * 5 * 1024 ** 3;

/** An inline object travels in its SQS message: 64 KiB keeps ten of them, in base64, within a batch of 1 MiB. */
const maximumInlineBytes = 64 * 1024;
const maximumInlineBase64Length = Math.ceil(maximumInlineBytes / 3) * 4;

/** Columns of Spillway's own reports. They are ignored, so that a report can be a manifest unchanged. */
const reservedPrefix = 'spillway_';

/** A file that is not a manifest can have thousands of columns. */
const maximumNamedColumns = 5;

const fitKey: Check<string> = (payload) => {
  if (payload.value === '') {
    fault(payload, 'KeyMissing', 'key is missing');
  } else if (isKeyTooLong(payload.value)) {
    const bytes = Buffer.byteLength(payload.value);
    fault(payload, 'KeyTooLong', `key has ${bytes} bytes; S3 takes ${MAX_KEY_BYTES}`);
  }
};

const fitSource: Check<string> = (payload) => {
  if (isWebSource(payload.value)) {
    const web = parseWebSource(payload.value);
    if (web.kind === 'bad') fault(payload, web.code, web.message);
    return;
  }
  // A message of an older parser's job may hold a key that looks like a version alone. The check of sources refuses others.
  const source = splitSource(payload.value) ?? splitSource(`${payload.value}?versionId=`);
  if (source === undefined || !isBucketName(source.bucket)) {
    const shown = quoted(redactedUnknown(payload.value).slice(0, 200));
    fault(
      payload,
      'SourceInvalid',
      `source ${shown} is neither s3://bucket/key, with the key as it stands in S3, nor an https:// URL`,
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

const fitEtag: Check<string> = (payload) => {
  if (
    !/^(?:[\x21\x23-\x7e]{1,1024}|"[\x21\x23-\x7e]{1,1024}")$/.test(payload.value) ||
    payload.value.startsWith('W/')
  ) {
    fault(
      payload,
      'SourceEtagInvalid',
      'source_etag is no strong ETag: 1 to 1,024 printable ASCII characters, in quotes or not, without W/ before them',
    );
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

const sizeMessage = `size is no whole number of bytes from 0 to ${maximumObjectBytes}`;

// An empty CSV field, quoted or not, is an absent one: CSV writers write either.
const missingPayload =
  'none of source, text and base64 is given (an empty object is "text": "" in NDJSON; in CSV an empty field is an absent one)';

/**
 * Of nearly every row. They have a schema of their own: each further column of a schema costs time for rows without it too. As in
 * attributeColumns, each has what makes its schema.
 */
const usualColumns = {
  key: () => string('key').check(fitKey, fitCharacters('key')),
  source: () => z.exactOptional(string('source').check(fitSource, fitCharacters('source'))),
  source_version: () => z.exactOptional(string('source_version').check(fitVersion)),
  source_etag: () => z.exactOptional(string('source_etag').check(fitEtag)),
  text: () => z.exactOptional(string('text').check(fitText, fitCharacters('text'))),
  base64: () => z.exactOptional(string('base64').check(fitBase64)),
  content_type: attributeColumns.content_type,
  size: () =>
    z.exactOptional(
      z
        .number({ error: sizeMessage })
        .check(
          z.int({ error: sizeMessage }),
          z.gte(0, { error: sizeMessage }),
          z.lte(maximumObjectBytes, { error: sizeMessage }),
        ),
    ),
};
const allColumns = { ...usualColumns, ...attributeColumns };

function schemaOf<Columns extends Readonly<Record<string, () => z.ZodMiniType>>>(columns: Columns) {
  const shape = Object.fromEntries(Object.entries(columns).map(([name, make]) => [name, make()])) as {
    [Name in keyof Columns]: ReturnType<Columns[Name]>;
  };
  // Checked even where a column is wrong, so that every fault is reported at once.
  return z.strictObject(shape).check(z.check(fitPayload, { when: () => true }));
}

/** Made when a row comes that is not plainly good: most cold starts of upload meet none, and need neither. */
const usualSchema = onFirstUse(() => schemaOf(usualColumns));
const itemSchema = onFirstUse(() => schemaOf(allColumns));

/**
 * `spillway_columns` holds what else a key template needs of the row, as text and with own properties only. The name is
 * reserved, so that no column of a manifest can have it.
 */
export type ManifestItem = z.infer<ReturnType<typeof itemSchema>> & {
  spillway_columns?: Readonly<Record<string, string>>;
};

/** Every column of a manifest, in the order in which messages name them. */
export const knownColumns: readonly string[] = Object.keys(allColumns);

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
 * @param columns those that only the job's key template knows
 */
export function parseItem(
  record: Record<string, unknown>,
  columns?: Readonly<Record<string, unknown>>,
): ParsedItem {
  const isPlain = columns === undefined && isPlainItem(record);
  return isPlain ? { kind: 'good', item: record as ManifestItem } : parseItemBySchema(record, columns);
}

/** With an error that is no Error of JavaScript: a stack trace for each bad row takes longer than all its checks. */
const safeParse = z.core._safeParse(z.core.$ZodError);

/** All rows but the plainly good ones. */
export function parseItemBySchema(
  record: Record<string, unknown>,
  columns?: Readonly<Record<string, unknown>>,
): ParsedItem {
  const parsed = safeParse(isUsual(record) ? usualSchema() : itemSchema(), record);
  const faults = [
    ...(parsed.success ? [] : parsed.error.issues.map((issue) => toFault(issue, record))),
    ...(columns === undefined ? [] : faultsOfColumns(columns)),
  ];
  if (!parsed.success || faults.length > 0) return { kind: 'bad', faults };
  if (columns === undefined) return { kind: 'good', item: parsed.data };
  return { kind: 'good', item: { ...parsed.data, spillway_columns: columns as Record<string, string> } };
}

/** Validates an item of a message, in which its columns are as `parseItem` put them; never throws. */
export function isItem(value: unknown): value is ManifestItem {
  if (typeof value !== 'object' || value === null) return false;
  const { spillway_columns: columns, ...record } = value as Record<string, unknown>;
  if (columns === undefined) return parseItem(record).kind === 'good';
  const isRecord = typeof columns === 'object' && columns !== null && !Array.isArray(columns);
  return isRecord && parseItem(record, columns as Record<string, unknown>).kind === 'good';
}

interface ItemFault {
  code: RowFault;
  message: string;
}

function faultsOfColumns(columns: Readonly<Record<string, unknown>>): ItemFault[] {
  return Object.entries(columns).flatMap(([name, value]): ItemFault[] => {
    const shown = `column ${quoted(redacted(name).slice(0, 100))}`;
    if (typeof value !== 'string') return [{ code: 'WrongType', message: wrongType(shown, value) }];
    if (!value.isWellFormed() || nonCharacters.test(value)) {
      return [{ code: 'UnfitCharacters', message: `${shown} holds a lone surrogate, U+FFFE or U+FFFF` }];
    }
    if (!isKeyTooLong(value)) return [];
    const message = `${shown} has ${Buffer.byteLength(value)} bytes; a key has up to ${MAX_KEY_BYTES}`;
    return [{ code: 'KeyTooLong', message }];
  });
}

const usualNames: ReadonlySet<string> = new Set(Object.keys(usualColumns));

function isUsual(record: Record<string, unknown>): boolean {
  for (const name in record) {
    if (!usualNames.has(name)) return false;
  }
  return true;
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
    const near = isNamedColumn(name) ? targetOf(name).column : nearMiss(name, knownColumns);
    const shown = quoted(redactedUnknown(name).slice(0, 100));
    return near === undefined ? shown : `${shown} (did you mean ${near}?)`;
  });
  const more = names.length > named.length ? ` and ${names.length - named.length} more` : '';
  const label = names.length === 1 ? 'unknown column' : 'unknown columns';
  return `${label} ${named.join(', ')}${more}; there are ${knownColumns.join(', ')}, and spillway_* are ignored`;
}

export function isKnownColumn(name: string): boolean {
  return knownColumns.includes(name);
}

export function isReservedColumn(name: string): boolean {
  return name.startsWith(reservedPrefix);
}

/** A UTF-16 unit is at most 3 bytes of UTF-8, so most keys need no counting. */
function isKeyTooLong(key: string): boolean {
  return key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES;
}

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
  } else if (row.source_version !== undefined && isWebSource(String(row.source))) {
    fault(payload, 'VersionInvalid', 'source_version is of objects in S3, and source is an URL: remove it');
  }
  if (row.source_etag !== undefined && row.source === undefined) {
    fault(payload, 'SourceEtagInvalid', 'source_etag stands without a source');
  }
  if (row.storage_class === 'source' && row.source === undefined) {
    fault(payload, 'StorageClassInvalid', 'storage_class is source, and the row has no source');
  } else if (row.storage_class === 'source' && isWebSource(String(row.source))) {
    fault(
      payload,
      'StorageClassInvalid',
      'storage_class is source, and source is an URL, which has none: name it',
    );
  }
}
