// Which rejected rows of a slice the report lists one by one, and how it tells of the others: a line for each block and reason.
//
// 600 KB of lines that are no rows would else make a report of 41 MB. What is listed follows from the slice's bytes alone: ingest
// and settle, reading the same slice, list the same rows.
import { type Outcome, rangesOf } from '../report/outcome.ts';
import { boundedText } from '../text/bounded.ts';

/** Rejected rows of a slice that are listed whatever their bytes: as many as a job reads before it may be stopped for them. */
export const MAX_LISTED_REJECTS = 1_000;
/** Behind those, what is listed of a slice has at most so many times the bytes read of it. */
export const MAX_LISTED_BYTES_PER_BYTE = 4;
/** Bytes of the reason of the first row, in the line that tells of others like it. */
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
