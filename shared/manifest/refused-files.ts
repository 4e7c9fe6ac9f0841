// Files that are no manifest by their first bytes or their name: archives, binary formats, other encodings than UTF-8, and what is
// compressed. gzip and zstandard are unpacked before (conversions/): here they are a second compression, or damaged on their way.
import { type Unreadable, unreadable } from './format.ts';
import { FORMATS } from './formats/all.ts';

/** What to do, by the fault's code. */
const remedies = {
  Compressed: 'unpack it first',
  Archive: 'take the manifest out of it (tar -x does), and drop that',
  UnsupportedFormat: `save it as ${FORMATS.map(({ saveAs }) => saveAs).join(', or as ')}`,
  NotUtf8: 'save it as UTF-8 (in Excel as "CSV UTF-8", in PowerShell with -Encoding utf8)',
};

/** First bytes, as latin1. */
const signatures: {
  bytes: string;
  at?: number;
  code: keyof typeof remedies;
  name: string;
  remedy?: string;
}[] = [
  { bytes: '\x1f\x8b', code: 'Compressed', name: 'gzip' },
  { bytes: 'PK\x03\x04', code: 'Compressed', name: 'a zip archive or a spreadsheet' },
  { bytes: '\x28\xb5\x2f\xfd', code: 'Compressed', name: 'zstandard' },
  { bytes: 'BZh', code: 'Compressed', name: 'bzip2' },
  { bytes: '\xfd7zXZ', code: 'Compressed', name: 'xz' },
  { bytes: 'ustar', at: 257, code: 'Archive', name: 'a tar archive' },
  // Parquet itself is converted before: this one is inside of a compression.
  { bytes: 'PAR1', code: 'UnsupportedFormat', name: 'Parquet', remedy: 'drop it unpacked, as .parquet' },
  { bytes: 'Obj\x01', code: 'UnsupportedFormat', name: 'Avro' },
  { bytes: 'ORC', code: 'UnsupportedFormat', name: 'ORC' },
  { bytes: '\xd0\xcf\x11', code: 'UnsupportedFormat', name: 'a spreadsheet' },
  { bytes: '\xff\xfe', code: 'NotUtf8', name: 'UTF-16 or UTF-32' },
  { bytes: '\xfe\xff', code: 'NotUtf8', name: 'UTF-16' },
  { bytes: '\0\0\xfe\xff', code: 'NotUtf8', name: 'UTF-32' },
];

/** Endings of names, for files whose bytes do not show it. */
const refusedEndings = new Map<string, keyof typeof remedies>([
  ...['gz', 'zip', 'zst', 'bz2', 'xz'].map((ending) => [ending, 'Compressed'] as const),
  ...['avro', 'orc', 'xls', 'xlsx'].map((ending) => [ending, 'UnsupportedFormat'] as const),
]);

/** The ending of the file's name, in lower case; empty where there is none. */
export function endingOf(key: string): string {
  return /\.([^./]+)$/.exec(key)?.[1]?.toLowerCase() ?? '';
}

/** @param about `wasText`: each byte that was not UTF-8 is 0xff */
export function refusalOfFile(
  bytes: Buffer,
  about: { key: string; wasText?: boolean },
): Unreadable | undefined {
  if (bytes.length === 0) return unreadable('Empty', 'the manifest is empty');
  const signature = signatures.find(({ bytes: prefix, at = 0 }) => {
    const expected = about.wasText === true ? prefix.replace(/[\x80-\xff]/g, '\xff') : prefix;
    return bytes.toString('latin1', at, at + prefix.length) === expected;
  });
  if (signature !== undefined) {
    const { code, name, remedy = remedies[code] } = signature;
    const byPost =
      about.wasText === true && code === 'Compressed'
        ? '; gzip and zstandard are read where they are posted as application/gzip or application/zstd, not as text'
        : '';
    return unreadable(code, `the manifest is ${name}: ${remedy}${byPost}`);
  }
  const ending = endingOf(about.key);
  const code = refusedEndings.get(ending);
  return code === undefined
    ? undefined
    : unreadable(code, `a manifest named .${ending} can't be read: ${remedies[code]}`);
}
