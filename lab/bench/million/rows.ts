// The rows of the million-row run, and how each must end: both follow from a row's number alone.
//
//   each 1,000th from 7    no source of bytes: ingest rejects it
//   each 1,000th from 13   a key that the stub of the destination refuses: it fails
//   each third             a copy from a source bucket: stored
//   the others             inline text: stored
import { Readable } from 'node:stream';

export const SOURCE_BUCKET = 'spillway-bench-source';
/** Text of the keys that the stub refuses. */
export const REFUSED = '/refused/';

export type Fate = 'stored' | 'failed' | 'rejected';

const CYCLE = 1_000;
const REJECTED_AT = 7;
const FAILED_AT = 13;
const COPY_EVERY = 3;
const DIGITS = 10;
/** Rows that are made at once: about 700 KB. */
const CHUNK_ROWS = 10_000;
const HEAD = 'key,source,text\n';
/** The header is line 1. */
const FIRST_LINE = 2;

export function fateOf(row: number): Fate {
  const place = row % CYCLE;
  if (place === REJECTED_AT) return 'rejected';
  return place === FAILED_AT ? 'failed' : 'stored';
}

export function countFates(rows: number): Record<Fate, number> {
  const counts = { stored: 0, failed: 0, rejected: 0 };
  for (let row = 0; row < rows; row++) counts[fateOf(row)] += 1;
  return counts;
}

/** @returns undefined where a line holds no row */
export function rowOfLine(line: number, rows: number): number | undefined {
  const row = line - FIRST_LINE;
  return Number.isInteger(row) && row >= 0 && row < rows ? row : undefined;
}

function textOf(row: number): string {
  const name = String(row).padStart(DIGITS, '0');
  const fate = fateOf(row);
  if (fate === 'rejected') return `photos/${name}.jpg,,\n`;
  const key = `photos${fate === 'failed' ? REFUSED : '/2026/'}${name}.jpg`;
  return row % COPY_EVERY === 0
    ? `${key},s3://${SOURCE_BUCKET}/archive/${name}.jpg,\n`
    : `${key},,bytes of ${name}\n`;
}

function* chunksOf(rows: number): Generator<Buffer> {
  yield Buffer.from(HEAD);
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, rows - from);
    yield Buffer.from(Array.from({ length: count }, (_, index) => textOf(from + index)).join(''));
  }
}

/** The manifest as a stream: its memory does not count among that of the run. */
export function manifestOf(rows: number): { body: Readable; sizeBytes: number } {
  let sizeBytes = 0;
  for (const chunk of chunksOf(rows)) sizeBytes += chunk.length;
  return { body: Readable.from(chunksOf(rows), { objectMode: false }), sizeBytes };
}
