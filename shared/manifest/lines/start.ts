// The start of a manifest that is text: what every format of lines checks before it looks for its own head.
import { type ManifestStart, type Unreadable, unreadable } from '../format.ts';
import type { Place } from '../slice-place.ts';
import { placeAfter, type RowEnds, RowScanner } from './scan.ts';

/** Git takes a file for binary by the same measure: a NUL within the first 8,000 bytes. */
const BINARY_PROBE_BYTES = 8_000;

/** The byte order mark in UTF-8, as latin1. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

/** Why the start is not text, or holds no line that is not blank; undefined where it has one. */
export function refusalOfText(start: ManifestStart): Unreadable | undefined {
  if (holdsNul(start)) {
    return unreadable(
      'Binary',
      'the manifest holds NUL bytes: it is binary, or UTF-16; save it as UTF-8 text',
    );
  }
  return firstRowOf(start).kind === 'blank' ? blankFault(start) : undefined;
}

/** Of a manifest in which no line but blank ones can be found. */
export function blankFault({ bytes, sizeBytes }: ManifestStart): Unreadable {
  return bytes.length >= sizeBytes
    ? unreadable('Empty', 'the manifest is empty: it holds no line but blank ones')
    : unreadable('HeaderTooLong', `the first ${bytes.length} bytes are blank lines`);
}

export function holdsNul({ bytes }: ManifestStart): boolean {
  return bytes.subarray(0, BINARY_PROBE_BYTES).includes(0);
}

/** Where the first line may start: after the byte order mark. */
export function textPlace({ bytes }: ManifestStart): Place {
  return { line: 1, offset: bytes.toString('latin1', 0, 3) === BYTE_ORDER_MARK ? 3 : 0 };
}

/** The first row that is not blank, as latin1 text. */
export type FirstRow =
  | { kind: 'row'; text: string; isQuoted: boolean; next: Place }
  | { kind: 'broken' | 'unfinished'; text: string }
  | { kind: 'blank' };

/** The first row that is not blank, from `from` on. */
export function firstRowOf(
  { bytes: start, sizeBytes }: ManifestStart,
  rowEnds?: RowEnds,
  from: Place = textPlace({ bytes: start, sizeBytes }),
): FirstRow {
  const bytes = start.subarray(from.offset);
  for (const { text, offset, rows } of new RowScanner(rowEnds, from).scan(bytes, start.length >= sizeBytes)) {
    const row = rows[0];
    if (row !== undefined) {
      const line = text.slice(row.start, row.end);
      return row.kind === 'plain' || row.kind === 'quoted'
        ? { kind: 'row', text: line, isQuoted: row.kind === 'quoted', next: placeAfter(row, offset) }
        : { kind: row.kind === 'overlong' ? 'unfinished' : 'broken', text: line };
    }
  }
  const text = bytes.toString('latin1').trimStart();
  return text === '' ? { kind: 'blank' } : { kind: 'unfinished', text };
}
