// Chooses the rejected rows of a slice that the report lists one by one. The others get one line for each block and reason.
//
// Without this bound, 600 KB of lines that are no rows would make a report of 41 MB. The choice depends on the slice's bytes
// alone, so ingest and settle list the same rows.
import { type Outcome, rangesOf } from '../report/outcome.ts';
import { boundedText } from '../text/bounded.ts';

/** Rejected rows of a slice that are listed whatever their size: as many as a job reads before it may be stopped for them. */
export const MAX_LISTED_REJECTS = 1_000;
/** After those, the list of a slice has at most this many times the bytes that were read of the slice. */
export const MAX_LISTED_BYTES_PER_BYTE = 4;
/** Bytes of the first row's reason that are shown in the line for all rows like it. */
const EXAMPLE_BYTES = 200;

export type RejectListing = ReturnType<typeof createRejectListing>;

/** Rows of a block that are rejected for one reason, and not listed. */
interface Others {
  first: Outcome;
  numbers: number[];
  lastLine: number;
}

export function createRejectListing(startOffset: number) {
  let rows = 0;
  let bytes = 0;
  let listed: Outcome[] = [];
  let others = new Map<string, Others>();

  return {
    /** @param offset of the row in its file */
    add(rejected: Outcome, offset: number): void {
      if (rows < MAX_LISTED_REJECTS || bytes <= MAX_LISTED_BYTES_PER_BYTE * (offset - startOffset)) {
        rows += 1;
        bytes += Buffer.byteLength(JSON.stringify(rejected));
        listed.push(rejected);
        return;
      }
      const { code = '', number, line } = rejected;
      const alike = others.get(code) ?? { first: rejected, numbers: [], lastLine: line };
      alike.numbers.push(number);
      alike.lastLine = line;
      others.set(code, alike);
    },

    /** Ends a block. @returns its rejected rows: those that are listed, and then a line for each reason of the others */
    endBlock(): Outcome[] {
      const block = [...listed, ...[...others.values()].map(summaryOf)];
      listed = [];
      others = new Map();
      return block;
    },
  };
}

function summaryOf({ first, numbers, lastLine }: Others): Outcome {
  const { block, number, status, line, code = '', message = '' } = first;
  return {
    ...{ block, number, status, line, code },
    message: boundedText(message, EXAMPLE_BYTES),
    numbers: rangesOf(numbers),
    lastLine,
  };
}
