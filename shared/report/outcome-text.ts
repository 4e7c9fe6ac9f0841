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

/** Another program wrote or cut them. The message names place, line and remedy. */
export class UnreadableOutcomesError extends Error {
  constructor(place: string, what: string) {
    super(
      `the outcomes at ${boundedText(place)} are damaged: ${what}. Another program wrote or cut them. Restore them; ` +
        'or delete them, and their rows are reported as lost. Once their job is past its deadline, or is cancelled, their rows are ' +
        'reported as OutcomeUnreadable',
    );
    this.name = 'UnreadableOutcomes';
  }
}

export interface ReadOutcomes {
  /** Those that can be read. */
  records: OutcomeRecord[];
  /** The first damage, where there is any. */
  fault?: UnreadableOutcomesError;
}

/**
 * What a file or a row says, as far as it can be read.
 * @param place where it lies, for the fault
 */
export function readOutcomes(stored: Uint8Array, place: string): ReadOutcomes {
  const read: ReadOutcomes = { records: [] };
  const text = textOf(stored);
  if (typeof text !== 'string') {
    const what = `its compressed text can't be read (${text.message})`;
    return { ...read, fault: new UnreadableOutcomesError(place, what) };
  }
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const record = parseOutcomeLine(line);
    if (typeof record === 'string')
      read.fault ??= new UnreadableOutcomesError(place, `line ${index + 1} ${record}`);
    else read.records.push(record);
  }
  return read;
}

function textOf(stored: Uint8Array): string | Error {
  const isPlain = !ZSTD_MAGIC.equals(stored.subarray(0, ZSTD_MAGIC.length));
  if (isPlain) return new TextDecoder().decode(stored);
  try {
    return new TextDecoder().decode(zstdDecompressSync(stored, { maxOutputLength: MOST_TEXT_BYTES }));
  } catch (error) {
    return error as Error;
  }
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
