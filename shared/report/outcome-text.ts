// Outcomes as they are stored: NDJSON under zstd. Rows of a batch have much in common, and take a seventh of their text.
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { boundedName, boundedText } from '../text/bounded.ts';
import type { OutcomeRecord } from './outcome.ts';
import { parseOutcomeLine } from './outcome-line.ts';

/** First bytes of a zstd frame (RFC 8878, 3.1.1). Files of earlier versions are plain text, which begins with a brace. */
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** A writer holds its records as text, so they are far smaller: a batch has 10,000 at most, each with bounded texts. */
const MOST_TEXT_BYTES = 256 * 1024 * 1024;

export function encodeOutcomes(records: readonly OutcomeRecord[]): Buffer {
  return zstdCompressSync(
    Buffer.from(records.map((record) => `${JSON.stringify(withBoundedTexts(record))}\n`).join('')),
  );
}

/**
 * What a file or a row says.
 * @param place where it lies, for the error
 * @throws an error named UnreadableOutcomes that names place, line and remedy
 */
export function decodeOutcomes(stored: Uint8Array, place: string): OutcomeRecord[] {
  const records: OutcomeRecord[] = [];
  for (const [index, line] of textOf(stored, place).split('\n').entries()) {
    if (line === '') continue;
    const record = parseOutcomeLine(line);
    if (typeof record === 'string') throw unreadable(place, `line ${index + 1} ${record}`);
    records.push(record);
  }
  return records;
}

function textOf(stored: Uint8Array, place: string): string {
  const isPlain = !ZSTD_MAGIC.equals(stored.subarray(0, ZSTD_MAGIC.length));
  if (isPlain) return new TextDecoder().decode(stored);
  try {
    return new TextDecoder().decode(zstdDecompressSync(stored, { maxOutputLength: MOST_TEXT_BYTES }));
  } catch (error) {
    throw unreadable(place, `its compressed text can't be read (${(error as Error).message})`);
  }
}

/** No row may vanish with the outcomes: whether they may be given up is for their owner to say. */
function unreadable(place: string, what: string): Error {
  const message =
    `the outcomes at ${boundedText(place)} are damaged: ${what}. Another program wrote or cut them. Restore them; ` +
    'or delete them, and their rows are reported as lost';
  return Object.assign(new Error(message), { name: 'UnreadableOutcomes' });
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
