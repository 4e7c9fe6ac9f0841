// Outcomes as they are stored: NDJSON under zstd. Rows of a batch have much in common, and take a seventh of their text.
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { boundedName, boundedText } from '../text/bounded.ts';
import type { OutcomeRecord } from './outcome.ts';

/** First bytes of a zstd frame (RFC 8878, 3.1.1). Files of earlier versions are plain text, which begins with a brace. */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** A writer holds its records as text, so they are far smaller: a batch has 10,000 at most, each with bounded texts. */
const MOST_TEXT_BYTES = 256 * 1024 * 1024;

export function encodeOutcomes(records: readonly OutcomeRecord[]): Buffer {
  return zstdCompressSync(
    Buffer.from(records.map((record) => `${JSON.stringify(withBoundedTexts(record))}\n`).join('')),
  );
}

export function decodeOutcomes(stored: Uint8Array): OutcomeRecord[] {
  const isPlain = !ZSTD_MAGIC.equals(stored.subarray(0, ZSTD_MAGIC.length));
  const text = isPlain ? stored : zstdDecompressSync(stored, { maxOutputLength: MOST_TEXT_BYTES });
  return new TextDecoder()
    .decode(text)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as OutcomeRecord);
}

/** A message may be another service's, or made of several; a code is at most an error's name. */
function withBoundedTexts(record: OutcomeRecord): OutcomeRecord {
  if (record.status === 'returned') return record;
  const { code, message } = record;
  if (code === undefined && message === undefined) return record;
  return {
    ...record,
    ...(code === undefined ? {} : { code: boundedName(code) }),
    ...(message === undefined ? {} : { message: boundedText(message) }),
  };
}
