// The head of a manifest: which format it is in, what its columns are, where its rows begin, or why it can't be read.
//
// The format is told, in this order, by
//   1. the name's ending: .csv, .ndjson, .jsonl
//   2. the content type: text/csv, application/csv, application/x-ndjson, application/jsonl, application/jsonlines
//   3. the first line: an object is NDJSON, a known column's name is CSV
import { isUtf8 } from 'node:buffer';
import { firstRow, type Place } from './boundaries.ts';
import { isKnownColumn, isReservedColumn, knownColumns, payloadColumns, unknownColumns } from './columns.ts';
import type { ManifestFault } from './faults.ts';
import { splitQuotedRow } from './rows.ts';
import { faultOfNamed, faultOfSeparator, isOtherHeader, namedSeparator } from './separators.ts';

export type ManifestFormat = 'csv' | 'ndjson';

export interface ManifestHead {
  format: ManifestFormat;
  /** CSV only: the header's names in order, `spillway_*` ones included. */
  columns?: string[];
  /** Bytes before the first row: byte order mark and header. */
  bodyOffset: number;
  /** The physical line at which the body begins, from 1. */
  bodyLine: number;
}

export type OpenedManifest =
  | { kind: 'readable'; head: ManifestHead }
  /** `code`: one of `manifestFaults`; `message`: every fault found, and what to do. */
  | { kind: 'unreadable'; code: string; message: string };

/** What is known of a manifest beside its first bytes. */
export interface AboutManifest {
  key: string;
  contentType?: string;
  sizeBytes: number;
  /** It came as text, in which each byte that is not UTF-8 was replaced: it is 0xff (functions/api/body.ts). */
  wasText?: boolean;
}

type Unreadable = Extract<OpenedManifest, { kind: 'unreadable' }>;

const formatsByEnding = new Map<string, ManifestFormat>([
  ['csv', 'csv'],
  ['ndjson', 'ndjson'],
  ['jsonl', 'ndjson'],
]);

const formatsByContentType = new Map<string, ManifestFormat>([
  ['text/csv', 'csv'],
  ['application/csv', 'csv'],
  ['application/x-ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
  ['application/jsonlines', 'ndjson'],
]);

const remedies = {
  Compressed: 'unpack it first',
  UnsupportedFormat: 'save it as CSV with a header row, or as NDJSON',
  NotUtf8: 'save it as UTF-8 (in Excel as "CSV UTF-8", in PowerShell with -Encoding utf8)',
};

/** What is no manifest, by its first bytes (latin1). */
const signatures: { bytes: string; code: keyof typeof remedies; name: string }[] = [
  { bytes: '\x1f\x8b', code: 'Compressed', name: 'gzip' },
  { bytes: 'PK\x03\x04', code: 'Compressed', name: 'a zip archive or a spreadsheet' },
  { bytes: '\x28\xb5\x2f\xfd', code: 'Compressed', name: 'zstandard' },
  { bytes: 'BZh', code: 'Compressed', name: 'bzip2' },
  { bytes: '\xfd7zXZ', code: 'Compressed', name: 'xz' },
  { bytes: 'PAR1', code: 'UnsupportedFormat', name: 'Parquet' },
  { bytes: 'Obj\x01', code: 'UnsupportedFormat', name: 'Avro' },
  { bytes: 'ORC', code: 'UnsupportedFormat', name: 'ORC' },
  { bytes: '\xd0\xcf\x11', code: 'UnsupportedFormat', name: 'a spreadsheet' },
  { bytes: '\xff\xfe', code: 'NotUtf8', name: 'UTF-16 or UTF-32' },
  { bytes: '\xfe\xff', code: 'NotUtf8', name: 'UTF-16' },
  { bytes: '\0\0\xfe\xff', code: 'NotUtf8', name: 'UTF-32' },
];

/** The same by the name's ending, for files whose bytes do not tell. */
const refusedEndings = new Map<string, keyof typeof remedies>([
  ...['gz', 'zip', 'zst', 'bz2', 'xz'].map((ending) => [ending, 'Compressed'] as const),
  ...['parquet', 'avro', 'orc', 'xls', 'xlsx'].map((ending) => [ending, 'UnsupportedFormat'] as const),
]);

/** Git's measure, too: a NUL within the first 8,000 bytes is no text. */
const binaryProbeBytes = 8_000;

/** The columns stand in the job's row, which every upload reads: `spillway_*` ones have no other bound. */
const maximumHeaderBytes = 2 * 1024;

const byteOrderMark = '\xef\xbb\xbf';

/** Reads the head from the manifest's first bytes, of which 256 KiB are enough; never throws. */
export function openManifest(firstBytes: Uint8Array, about: AboutManifest): OpenedManifest {
  const bytes = Buffer.from(firstBytes.buffer, firstBytes.byteOffset, firstBytes.byteLength);
  const refusal = refuseBinary(bytes, about);
  if (refusal !== undefined) {
    return refusal;
  }
  const start = bytes.toString('latin1', 0, 3) === byteOrderMark ? 3 : 0;
  const isWhole = bytes.length >= about.sizeBytes;
  const named = formatOf(about);
  const first = firstRow(bytes.subarray(start), { line: 1, offset: start }, isWhole);
  const separator = first.kind === 'row' && named !== 'ndjson' ? namedSeparator(first.text) : undefined;
  const separatorFault = separator === undefined ? undefined : faultOfNamed(separator);
  if (separatorFault !== undefined) return unreadable('WrongSeparator', separatorFault);
  // Excel's line `sep=,` is no row: the header is the line behind it.
  const line =
    first.kind === 'row' && separator !== undefined
      ? firstRow(bytes.subarray(first.next.offset), first.next, isWhole)
      : first;
  if (line.kind === 'blank') {
    return isWhole
      ? unreadable('Empty', 'the manifest is empty: it holds no line but blank ones')
      : unreadable('HeaderTooLong', `the first ${bytes.length} bytes are blank lines`);
  }
  const format = named ?? sniff(line.text);
  const other = otherJson(line.text);
  if (other !== undefined) return unreadable('UnsupportedFormat', other);
  if (format === undefined) {
    return unreadable(
      'UnknownFormat',
      `neither the name nor the first line tells the format: name it .csv, with a header row (columns: ${knownColumns.join(', ')}), or .ndjson`,
    );
  }
  if (sniff(line.text) !== undefined && sniff(line.text) !== format) {
    const found = format === 'csv' ? 'a JSON object, as in NDJSON' : 'a CSV header';
    return unreadable(
      'FormatMismatch',
      `a manifest in ${format} by its name, but its first line is ${found}`,
    );
  }
  if (format === 'ndjson') {
    return { kind: 'readable', head: { format, bodyOffset: start, bodyLine: 1 } };
  }
  const otherSeparator = faultOfSeparator(line.text);
  if (otherSeparator !== undefined) return unreadable('WrongSeparator', otherSeparator);
  if (line.text.includes('\r') && !line.text.includes('"')) {
    return unreadable(
      'HeaderBroken',
      'lines end in a lone carriage return: save the manifest with LF or CRLF',
    );
  }
  switch (line.kind) {
    case 'unfinished':
      return unreadable('HeaderTooLong', `the header row does not end within ${bytes.length} bytes`);
    case 'broken':
      return unreadable(
        'HeaderBroken',
        'the header row has a quote that does not close before a comma or line end',
      );
    case 'row':
      return readHeader(line.text, line.isQuoted, line.next);
  }
}

function refuseBinary(bytes: Buffer, about: AboutManifest): Unreadable | undefined {
  if (bytes.length === 0) {
    return unreadable('Empty', 'the manifest is empty');
  }
  const signature = signatures.find(({ bytes: prefix }) => {
    const expected = about.wasText === true ? prefix.replace(/[\x80-\xff]/g, '\xff') : prefix;
    return bytes.toString('latin1', 0, prefix.length) === expected;
  });
  if (signature !== undefined) {
    const { code, name } = signature;
    return unreadable(code, `the manifest is ${name}: ${remedies[code]}`);
  }
  const ending = endingOf(about.key);
  const code = refusedEndings.get(ending);
  if (code !== undefined) {
    return unreadable(code, `a manifest named .${ending} can't be read: ${remedies[code]}`);
  }
  if (bytes.subarray(0, binaryProbeBytes).includes(0)) {
    return unreadable(
      'Binary',
      'the manifest holds NUL bytes: it is binary, or UTF-16; save it as UTF-8 text',
    );
  }
  return undefined;
}

function formatOf({ key, contentType }: AboutManifest): ManifestFormat | undefined {
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return formatsByEnding.get(endingOf(key)) ?? formatsByContentType.get(mediaType);
}

function endingOf(key: string): string {
  return /\.([^./]+)$/.exec(key)?.[1]?.toLowerCase() ?? '';
}

/** JSON that is not NDJSON, by its first line. */
function otherJson(line: string): string | undefined {
  const text = line.trim();
  if (/^\[(?:$|[[\]{"\s])/.test(text))
    return 'a JSON array is no NDJSON: write one object a line (jq -c ".[]" does)';
  if (text === '{')
    return 'an object over several lines is no NDJSON: write one object a line (jq -c . does)';
  if (text.startsWith('\u001e'))
    return "a JSON text sequence (RFC 7464) is no NDJSON: leave out the record separators U+001E (tr -d '\\036' does)";
  return undefined;
}

/** What the first line plainly is: an object, or a header that names a known column. */
function sniff(line: string): ManifestFormat | undefined {
  if (line.trimStart().startsWith('{')) {
    return 'ndjson';
  }
  const names = line.split(',').map((name) => name.replaceAll('"', '').trim());
  return names.some(isKnownColumn) || isOtherHeader(line) ? 'csv' : undefined;
}

function readHeader(latin1: string, isQuoted: boolean, body: Place): OpenedManifest {
  const bytes = Buffer.from(latin1, 'latin1');
  if (!isUtf8(bytes)) {
    return unreadable(
      'NotUtf8',
      'the header row is not UTF-8 (posted as text, U+FFFD counts as a byte that was not): save the manifest as UTF-8',
    );
  }
  if (latin1.includes('\r') && !isQuoted) {
    return unreadable(
      'HeaderBroken',
      'lines end in a lone carriage return: save the manifest with LF or CRLF',
    );
  }
  const text = bytes.toString('utf8');
  const columns = (isQuoted ? splitQuotedRow(text) : text.split(',')).map((name) => name.trim());
  const faults = headerFaults(columns);
  const first = faults[0];
  if (first !== undefined) {
    return unreadable(first.code, faults.map((fault) => fault.message).join('; '));
  }
  if (bytes.length > maximumHeaderBytes) {
    return unreadable(
      'HeaderTooLong',
      `the header row has ${bytes.length} bytes, above ${maximumHeaderBytes}: leave out columns that are named spillway_*`,
    );
  }
  return {
    kind: 'readable',
    head: { format: 'csv', columns, bodyOffset: body.offset, bodyLine: body.line },
  };
}

function headerFaults(columns: string[]): { code: ManifestFault; message: string }[] {
  const faults: { code: ManifestFault; message: string }[] = [];
  const names = new Set(columns);
  const unknown = [...names].filter((name) => name !== '' && !isReservedColumn(name) && !isKnownColumn(name));
  if (unknown.length > 0) {
    faults.push({ code: 'UnknownColumn', message: unknownColumns(unknown) });
  }
  if (names.has('')) {
    faults.push({ code: 'HeaderNameMissing', message: `column ${columns.indexOf('') + 1} has no name` });
  }
  for (const name of knownColumns) {
    if (columns.indexOf(name) !== columns.lastIndexOf(name)) {
      faults.push({ code: 'DuplicateColumn', message: `column ${name} is there twice` });
    }
  }
  if (!names.has('key')) {
    faults.push({ code: 'KeyColumnMissing', message: 'there is no column key' });
  }
  if (!payloadColumns.some((name) => names.has(name))) {
    faults.push({
      code: 'PayloadColumnMissing',
      message: `there is none of the columns ${payloadColumns.join(', ')}`,
    });
  }
  return faults;
}

function unreadable(code: ManifestFault, message: string): Unreadable {
  return { kind: 'unreadable', code, message };
}
