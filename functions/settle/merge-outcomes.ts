// Which of a slice's outcomes count: one for each row, by precedence, in two passes with memory bounded by the slice's
// rows (17 bytes each). The first pass remembers for every row the best status and where it stands, and adds up the requests of
// the deliveries that were returned; the second keeps the best ones, with those requests.
import {
  narrowed,
  numbersOf,
  OUTCOME_STATUSES,
  type Outcome,
  type OutcomeStatus,
  type ReturnedDelivery,
} from '../../shared/report/outcome.ts';

const NONE = 255;
const RANK = Object.fromEntries(OUTCOME_STATUSES.map((status, rank) => [status, rank])) as Record<
  OutcomeStatus,
  number
>;

/** Where an outcome stands: the number of its file, and its line in it, from 0. */
export interface OutcomePlace {
  file: number;
  line: number;
}

export function createOutcomeMerge(sliceRows: number, blockRows: number) {
  const rank = new Uint8Array(sliceRows).fill(NONE);
  const chosenFile = new Uint32Array(sliceRows);
  const chosenLine = new Uint32Array(sliceRows);
  const returnedAttempts = new Uint32Array(sliceRows);
  const returnedThrottled = new Uint32Array(sliceRows);
  const rowOf = ({ block, number }: Pick<Outcome, 'block' | 'number'>) => block * blockRows + number;
  return {
    /** First pass: every outcome, with the place that it has in both passes. */
    consider(outcome: Outcome, at: OutcomePlace): void {
      for (const number of numbersOf(outcome)) {
        const row = outcome.block * blockRows + number;
        // Outside the slice it would be another parser's row: it is no row of this job.
        if (row >= sliceRows) continue;
        if (RANK[outcome.status] < (rank[row] ?? NONE)) {
          rank[row] = RANK[outcome.status];
          chosenFile[row] = at.file;
          chosenLine[row] = at.line;
        }
      }
    },
    /** First pass: requests of a delivery that was returned. */
    addReturned(delivery: ReturnedDelivery): void {
      const row = rowOf(delivery);
      // A typed array ignores writes beyond its end.
      returnedAttempts[row] = (returnedAttempts[row] ?? 0) + delivery.attempts;
      returnedThrottled[row] = (returnedThrottled[row] ?? 0) + delivery.throttled;
    },
    /** The row's outcome with the requests of its returned deliveries. */
    withReturned(outcome: Outcome): Outcome {
      const attempts = returnedAttempts[rowOf(outcome)] ?? 0;
      if (attempts === 0) return outcome;
      return {
        ...outcome,
        attempts: (outcome.attempts ?? 0) + attempts,
        throttled: (outcome.throttled ?? 0) + (returnedThrottled[rowOf(outcome)] ?? 0),
      };
    },
    /**
     * Second pass, the same outcomes at the same places, in any order.
     * @returns the outcome of those of its rows that it is chosen for; undefined where there are none
     */
    chosen(outcome: Outcome, at: OutcomePlace): Outcome | undefined {
      return narrowed(outcome, (number) => {
        const row = outcome.block * blockRows + number;
        return (
          row < sliceRows && rank[row] !== NONE && chosenFile[row] === at.file && chosenLine[row] === at.line
        );
      });
    },
    /** Rows, counted from the slice's start, that no outcome has. */
    missing(): number[] {
      const rows: number[] = [];
      rank.forEach((best, row) => {
        if (best === NONE) rows.push(row);
      });
      return rows;
    },
  };
}
