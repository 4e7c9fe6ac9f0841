// The CSV manifest of S3 Batch Operations: no header; a bucket, a URL-encoded key, and a version in every row or in none.
// Such a file is taken for one only where its name or type says CSV: two words and a comma show little.
// Each row copies the object that it names, under its own key: `{ key, source, source_version }`.
//
// AWS asks for URL-encoded keys in one bucket (S3 user guide, "Specifying a manifest"). Its tools decode them as forms
// are, where `+` is a space: a plus sign itself is written %2B.
import { isBucketName } from '../../keys/bucket-name.ts';
import { decodedKey } from '../../keys/encoded-key.ts';
import { boundedNames } from '../../text/bounded.ts';
import { quoted } from '../../text/visible.ts';
import { knownColumns } from '../columns.ts';
import {
  type Detected,
  type FormatHead,
  type ManifestFormat,
  type ManifestStart,
  unreadable,
} from '../format.ts';
import { type RowRules, readRows } from '../lines/read.ts';
import { splitRows } from '../lines/split.ts';
import { firstRowOf, holdsNul, refusalOfText, textPlace } from '../lines/start.ts';
import { nearMiss } from '../near-miss.ts';
import { writeSource } from '../s3-source.ts';
import type { Place } from '../slice-place.ts';
import { columnCount } from './csv.ts';
import { splitRow } from './csv-quoted-row.ts';
import { COMMAS } from './dialect.ts';

interface BatchCsvHead extends FormatHead {
  format: 'batch-csv';
  /** Fields of each row. */
  fields: 2 | 3;
}

/** Rows that must agree before a file without a header is taken for this format. */
const PROBE_ROWS = 4;

/** Names in headers of lists of objects, beside Spillway's own columns. */
const HEADER_NAMES = ['bucket', 'key', 'object', 'version', 'versionid', 'version_id', 'name', 'url', 'path'];

/** Characters of a key that a message shows. */
const MAX_SHOWN = 100;

export const batchCsv: ManifestFormat<BatchCsvHead> = {
  kin: 'separated',
  name: 'batch-csv',
  endings: ['batch-csv'],
  contentTypes: ['application/x-s3-batch-csv'],
  saveAs: 'CSV as for S3 Batch Operations',
  nameIt:
    '.batch-csv, as S3 Batch Operations takes it (bucket, URL-encoded key, optional version; no header)',
  detect,
  open(start) {
    const refusal = refusalOfText(start);
    if (refusal !== undefined) return refusal;
    const fields = fieldsOf(start);
    if (fields === undefined) return unreadable('NotBatchRows', NOT_BATCH_ROWS);
    const lacking = boundedNames(start.extraColumns ?? []);
    if (lacking !== '') {
      const message = `the option key-template names columns that S3 Batch Operations' rows do not have: ${lacking}`;
      return unreadable(
        'TemplateColumnMissing',
        `${message}; give the file a header, and columns of its own`,
      );
    }
    const { offset, line } = textPlace(start);
    return {
      kind: 'readable',
      head: { format: 'batch-csv', fields, bodyOffset: offset, bodyLine: line },
    };
  },
  split: (_, range, read, limits) => splitRows(COMMAS.rowEnds, range, read, limits),
  read: ({ fields }, range, read) => readRows(rulesFor(fields), range, read),
};

const NOT_BATCH_ROWS =
  'its first rows are not all of the form bucket,key or bucket,key,version, of one bucket and with URL-encoded keys, as S3 Batch Operations takes them: correct them, or begin the file with a header row, such as key,source';

function detect(start: ManifestStart): Detected | undefined {
  if (holdsNul(start) || fieldsOf(start) === undefined) return undefined;
  return { kind: 'likely', shows: 'a bucket and a key, as in a manifest of S3 Batch Operations' };
}

/**
 * How many fields the rows have; undefined where they are not plainly of this format:
 *
 * - the first rows all have the same bucket, as S3 Batch Operations demands, and as many fields
 * - the first of them is no header: it names no column, and its fields are not all nearly names of columns
 */
function fieldsOf(start: ManifestStart): 2 | 3 | undefined {
  const rows = firstRows(start);
  const [first] = rows;
  if (first === undefined || !rows.every((row) => isLike(row, first)) || isHeader(first)) return undefined;
  return first.length as 2 | 3;
}

function isLike(row: readonly string[], first: readonly string[]): boolean {
  const [bucket = '', key = ''] = row;
  return (
    (row.length === 2 || row.length === 3) &&
    row.length === first.length &&
    bucket === first[0] &&
    isBucketName(bucket) &&
    key !== '' &&
    decodedKey(key) !== undefined
  );
}

function isHeader(fields: readonly string[]): boolean {
  const names = fields.map((field) => field.trim().toLowerCase());
  if (names.some((name) => knownColumns.includes(name))) return true;
  return names.every((name) => HEADER_NAMES.includes(name) || nearMiss(name, knownColumns) !== undefined);
}

/** Of the whole rows among the bytes that are looked at. */
function firstRows(start: ManifestStart): string[][] {
  const rows: string[][] = [];
  let from: Place | undefined;
  while (rows.length < PROBE_ROWS) {
    const row = firstRowOf(start, COMMAS.rowEnds, from);
    if (row.kind !== 'row') break;
    // A header of any other format is text as well; bytes that are not UTF-8 are for the reading to reject.
    rows.push(splitRow(row.text, ',', row.isQuoted));
    from = row.next;
  }
  return rows;
}

function rulesFor(count: 2 | 3): RowRules {
  return {
    rowEnds: COMMAS.rowEnds,
    recordOf(text, span) {
      const fields = splitRow(text, ',', span.kind === 'quoted');
      if (fields.length !== count) return columnCount(fields, count, ',', 'the first row');
      const [bucket = '', encoded = '', version = ''] = fields;
      const key = decodedKey(encoded);
      if (key === undefined) return { code: 'KeyEncoding', message: notEncoded(encoded) };
      const source = writeSource(bucket, key);
      return { record: version === '' ? { key, source } : { key, source, source_version: version } };
    },
  };
}

function notEncoded(key: string): string {
  return `the key ${quoted(key.slice(0, MAX_SHOWN))} is not URL-encoded UTF-8, as S3 Batch Operations takes it: write a percent sign as %25`;
}
