// The columns of a manifest row, and what each may hold.
import { isBucketName } from '../keys/bucket-name.ts';
import { MAX_KEY_BYTES } from '../keys/destination.ts';
import { isAbove } from '../text/bounded.ts';
import { isRecord } from '../text/parse-json.ts';
import { redacted, redactedUnknown } from '../text/redacted.ts';
import { quoted } from '../text/visible.ts';
import { type AttributeColumns, attributeColumns } from './attribute-columns.ts';
import {
  type Check,
  checked,
  fault,
  fitCharacters,
  type ItemFault,
  isFitText,
  isObjectSize,
  maximumObjectBytes,
  string,
  wrongType,
} from './column-checks.ts';
import { isNamedColumn, targetOf } from './named-columns.ts';
import { nearMiss } from './near-miss.ts';
import { isPlainItem } from './plain-item.ts';
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

/** An inline object travels in its SQS message: 64 KiB keeps ten of them, in base64, within a batch of 1 MiB. */
const maximumInlineBytes = 64 * 1024;
const maximumInlineBase64Length = Math.ceil(maximumInlineBytes / 3) * 4;

/** A file that is not a manifest can have thousands of columns. */
const maximumNamedColumns = 5;

const fitKey: Check<string> = (payload) => {
  if (payload.value === '') {
    fault(payload, 'KeyMissing', 'key is missing');
  } else if (isAbove(payload.value, MAX_KEY_BYTES)) {
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
  } else if (isAbove(source.key, MAX_KEY_BYTES)) {
    fault(payload, 'SourceInvalid', `the key in source has more than ${MAX_KEY_BYTES} bytes`);
  }
};

const fitVersion = checked('VersionInvalid', (text) =>
  /^[\x21-\x7e]{1,1024}$/.test(text) ? undefined : 'is no version id of S3',
);

const STRONG_ETAG = /^(?:[\x21\x23-\x7e]{1,1024}|"[\x21\x23-\x7e]{1,1024}")$/;
const fitEtag = checked('SourceEtagInvalid', (text) =>
  STRONG_ETAG.test(text) && !text.startsWith('W/')
    ? undefined
    : 'is no strong ETag: 1 to 1,024 printable ASCII characters, in quotes or not, without W/ before them',
);

const tooLarge = `is above ${maximumInlineBytes} bytes: put it in S3 and name it in source`;

const fitText = checked('TextTooLarge', (text) => (isAbove(text, maximumInlineBytes) ? tooLarge : undefined));

const fitBase64: Check<string> = (payload) => {
  if (payload.value.length > maximumInlineBase64Length + 4) {
    fault(payload, 'Base64TooLarge', `base64 ${tooLarge}`);
    return;
  }
  const bytes = Buffer.from(payload.value, 'base64');
  // Buffer skips characters that are not base64. Only text without them is the same after decoding and encoding.
  if (bytes.toString('base64') !== payload.value) {
    fault(payload, 'Base64Invalid', 'base64 is not valid: standard alphabet, padded, without line breaks');
  } else if (bytes.length > maximumInlineBytes) {
    fault(payload, 'Base64TooLarge', `base64 ${tooLarge}`);
  }
};

const sizeMessage = `size is no whole number of bytes from 0 to ${maximumObjectBytes}`;

// An empty CSV field, quoted or not, is an absent one: CSV writers write either.
const missingPayload =
  'none of source, text and base64 is given (an empty object is "text": "" in NDJSON; in CSV an empty field is an absent one)';

const fitSize: Check<unknown> = (payload) => {
  if (!isObjectSize(payload.value)) fault(payload, 'SizeInvalid', sizeMessage);
};

/**
 * A good row. `spillway_columns` holds what else a key template needs of the row, as text and with own properties only. The name
 * is reserved, so that no column of a manifest can have it.
 */
export type ManifestItem = AttributeColumns & {
  key: string;
  source?: string;
  source_version?: string;
  source_etag?: string;
  text?: string;
  base64?: string;
  size?: number;
  spillway_columns?: Readonly<Record<string, string>>;
};

type ItemColumn = Exclude<keyof ManifestItem, keyof AttributeColumns | 'spillway_columns'> | 'content_type';

const usualColumns: Readonly<Record<ItemColumn, Check<unknown>>> = {
  key: string(fitKey, fitCharacters),
  source: string(fitSource, fitCharacters),
  source_version: string(fitVersion),
  source_etag: string(fitEtag),
  text: string(fitText, fitCharacters),
  base64: string(fitBase64),
  content_type: attributeColumns.content_type,
  size: fitSize,
};
// No schema of zod: upload, which checks the items of its messages, starts sooner without it.
const allColumns: Readonly<Record<string, Check<unknown>>> = { ...usualColumns, ...attributeColumns };

/** Every column of a manifest, in the order in which messages name them. */
export const knownColumns: readonly string[] = Object.keys(allColumns);

/** Exactly one of these says what the object is: each is a source, in sources/table.ts. */
export const payloadColumns = ['source', 'text', 'base64'] as const;
export type PayloadColumn = (typeof payloadColumns)[number];

export type ParsedItem = { kind: 'good'; item: ManifestItem } | { kind: 'bad'; faults: ItemFault[] };

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
  return isPlain ? { kind: 'good', item: record as ManifestItem } : parseItemByColumns(record, columns);
}

/** All rows but the plainly good ones. Every fault is reported, those of wrong columns and those of the whole row. */
export function parseItemByColumns(
  record: Record<string, unknown>,
  columns?: Readonly<Record<string, unknown>>,
): ParsedItem {
  const faults: ItemFault[] = [];
  const item: Record<string, unknown> = {};
  for (const column of knownColumns) {
    const value = record[column];
    if (column === 'key' && value === undefined) {
      fault({ faults }, 'KeyMissing', 'key is missing');
    } else if (Object.hasOwn(record, column)) {
      item[column] = value;
      allColumns[column]?.({ column, value, faults });
    }
  }
  const unknown = Object.keys(record).filter((name) => !isKnownColumn(name));
  if (unknown.length > 0) faults.push({ code: 'UnknownColumn', message: unknownColumns(unknown) });
  fitPayload(record, { faults });
  if (columns !== undefined) faults.push(...faultsOfColumns(columns));
  if (faults.length > 0) return { kind: 'bad', faults };
  const good = item as ManifestItem;
  if (columns === undefined) return { kind: 'good', item: good };
  return { kind: 'good', item: { ...good, spillway_columns: columns as Record<string, string> } };
}

/** Validates an item of a message, in which its columns are as `parseItem` put them; never throws. */
export function isItem(value: unknown): value is ManifestItem {
  if (!isRecord(value)) return false;
  const { spillway_columns: columns, ...record } = value;
  if (columns === undefined) return parseItem(record).kind === 'good';
  return isRecord(columns) && parseItem(record, columns).kind === 'good';
}

function faultsOfColumns(columns: Readonly<Record<string, unknown>>): ItemFault[] {
  return Object.entries(columns).flatMap(([name, value]): ItemFault[] => {
    const shown = `column ${quoted(redacted(name).slice(0, 100))}`;
    if (typeof value !== 'string') return [{ code: 'WrongType', message: wrongType(shown, value) }];
    if (!isFitText(value)) {
      return [{ code: 'UnfitCharacters', message: `${shown} holds a lone surrogate, U+FFFE or U+FFFF` }];
    }
    if (!isAbove(value, MAX_KEY_BYTES)) return [];
    const message = `${shown} has ${Buffer.byteLength(value)} bytes; a key has up to ${MAX_KEY_BYTES}`;
    return [{ code: 'KeyTooLong', message }];
  });
}

/**
 * A sentence that names the columns, what each may have been meant to be, and the ones there are.
 * @param nameOf what the format calls a column
 */
export function unknownColumns(names: string[], nameOf = (column: string) => column): string {
  const named = names.slice(0, maximumNamedColumns).map((name) => {
    const near = isNamedColumn(name) ? targetOf(name).column : nearMiss(name, knownColumns);
    const shown = quoted(redactedUnknown(name).slice(0, 100));
    return near === undefined ? shown : `${shown} (did you mean ${nameOf(near)}?)`;
  });
  const more = names.length > named.length ? ` and ${names.length - named.length} more` : '';
  const label = names.length === 1 ? 'unknown column' : 'unknown columns';
  return `${label} ${named.join(', ')}${more}; there are ${knownColumns.map(nameOf).join(', ')}, and spillway_* are ignored`;
}

export function isKnownColumn(name: string): boolean {
  return knownColumns.includes(name);
}

/** Columns of Spillway's own reports. They are ignored, so that a report can be a manifest unchanged. */
export function isReservedColumn(name: string): boolean {
  return name.startsWith('spillway_');
}

/** @param extraColumns those that only the job's key template names */
export function isManifestColumn(name: string, extraColumns: readonly string[] = []): boolean {
  return isKnownColumn(name) || isNamedColumn(name) || extraColumns.includes(name);
}

function fitPayload(row: Record<string, unknown>, payload: { faults: ItemFault[] }): void {
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
