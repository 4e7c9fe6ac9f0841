// Manifests of plain text with any number of rows, made while they are read: ten million rows need neither memory nor disk.
//
// All rows of a format have the same length, so the bytes of any range follow from its offsets alone.
import { Readable } from 'node:stream';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { ManifestHead } from '../../../shared/manifest/formats/all.ts';
import { openManifest } from '../../../shared/manifest/open.ts';

export const SOURCE_BUCKET = 'spillway-bench-source';

/** Digits of a row's number: ten billion rows. */
const DIGITS = 10;
const ZEROS = '0'.repeat(DIGITS);
/** Rows that are made at a time: the last three digits of their numbers are the same in each stretch. */
const STRETCH_DIGITS = 3;
const ROWS_PER_STRETCH = 10 ** STRETCH_DIGITS;
/** As a socket brings them. */
const CHUNK_BYTES = 64 * 1024;
/** Bytes of a manifest that are enough to open it. */
const START_BYTES = 256 * 1024;

const KEY = `photos/2026/11/${ZEROS}.jpg`;
const SOURCE = `s3://${SOURCE_BUCKET}/archive/photos/${ZEROS}.jpg`;
const SIZE = 48_213;

/** The columns of a row by its number, from 0. */
export function rowOf(number: number): { key: string; source: string; size: number } {
  const digits = String(number).padStart(DIGITS, '0');
  return { key: KEY.replace(ZEROS, digits), source: SOURCE.replace(ZEROS, digits), size: SIZE };
}

/** What stands before the first row, and a row; each run of ten zeros stands for the row's number. */
const TEXTS: Readonly<Record<TextFormat, { head: string; row: string }>> = {
  csv: { head: 'key,source,size\n', row: `${KEY},${SOURCE},${SIZE}\n` },
  ndjson: { head: '', row: `${JSON.stringify({ key: KEY, source: SOURCE, size: SIZE })}\n` },
};

export type TextFormat = 'csv' | 'ndjson';

export interface BenchManifest {
  key: string;
  sizeBytes: number;
  head: ManifestHead;
  /** Bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Readable;
}

export function textManifest(format: TextFormat, rows: number): BenchManifest {
  const { head, row } = TEXTS[format];
  const headBytes = Buffer.from(head);
  const rowBytes = Buffer.byteLength(row);
  const places = [...row.matchAll(new RegExp(ZEROS, 'g'))].map(({ index }) => index);
  const sizeBytes = headBytes.length + rows * rowBytes;

  /** The stretch that was shown last. */
  const template = Buffer.from(row.repeat(ROWS_PER_STRETCH));
  /** Writes the digit of each row's number at this place, from 0, as it stands in `digitsOf(row)`. */
  const writeDigit = (place: number, digitsOf: (row: number) => string) => {
    for (let row = 0; row < ROWS_PER_STRETCH; row++) {
      const digit = digitsOf(row).charCodeAt(place);
      for (const at of places) template[row * rowBytes + at + place] = digit;
    }
  };
  for (let place = DIGITS - STRETCH_DIGITS; place < DIGITS; place++)
    writeDigit(place, (row) => String(row).padStart(DIGITS, '0'));
  let shown = ZEROS;
  /** Most digits are those of the stretch before: what making rows takes must not count as what reading them takes. */
  const show = (stretch: number): Buffer => {
    const digits = String(stretch).padStart(DIGITS - STRETCH_DIGITS, '0');
    for (let place = 0; place < digits.length; place++)
      if (digits[place] !== shown[place]) writeDigit(place, () => digits);
    shown = digits;
    return template;
  };

  function* chunks(start: number, end: number): Generator<Buffer> {
    let at = start;
    while (at < end) {
      const isHead = at < headBytes.length;
      const stretch = Math.floor((at - headBytes.length) / rowBytes / ROWS_PER_STRETCH);
      const from = isHead ? 0 : headBytes.length + stretch * ROWS_PER_STRETCH * rowBytes;
      const bytes = isHead ? headBytes : show(stretch);
      const part = bytes.subarray(at - from, Math.min(end, sizeBytes) - from).subarray(0, CHUNK_BYTES);
      if (part.length === 0) return;
      const chunk = Buffer.allocUnsafeSlow(part.length);
      chunk.set(part);
      yield chunk;
      at += part.length;
    }
  }

  const key = `bench.${format}`;
  const opened = openManifest(Buffer.concat([...chunks(0, START_BYTES)]), { key, sizeBytes });
  if (opened.kind === 'unreadable') throw new Error(opened.message);
  return { key, sizeBytes, head: opened.head, read: (start, end) => streamOf(chunks(start, end)) };
}

/** Each chunk comes in a turn of the event loop of its own, as from a socket. */
function streamOf(chunks: Generator<Buffer>): Readable {
  const push = () => void stream.push(chunks.next().value ?? null);
  const stream: Readable = new Readable({ read: () => void setImmediate(push) });
  return stream;
}

/** An S3 that holds the manifest alone, and answers the range of a GET as the SDK's client does: with a stream. */
export function s3Of(manifest: BenchManifest): S3Client {
  const send = async (command: unknown): Promise<Pick<GetObjectCommandOutput, 'Body'>> => {
    if (!(command instanceof GetObjectCommand)) throw new Error('only ranges of the manifest are read here');
    const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(command.input.Range ?? '') ?? [];
    const body = manifest.read(Number(start), Number(last) + 1);
    return { Body: body as unknown as NonNullable<GetObjectCommandOutput['Body']> };
  };
  return { send } as unknown as S3Client;
}
