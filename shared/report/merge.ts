// Which of a slice's outcomes count: one for each row, by precedence, in two passes with memory bounded by the slice's
// rows (9 bytes each). The first pass remembers for every row the best status and where it stands; the second keeps just those.
import { OUTCOME_STATUSES, type Outcome, type OutcomeStatus } from './outcome.ts';

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

export interface OutcomeMerge {
  /** First pass: every outcome, with the place that it has in both passes. */
  consider(outcome: Outcome, at: OutcomePlace): void;
  /** Second pass, the same outcomes at the same places, in any order: whether this one is its row's. */
  isChosen(outcome: Outcome, at: OutcomePlace): boolean;
  /** Rows, counted from the slice's start, that no outcome told of. */
  missing(): number[];
}

export function createOutcomeMerge(sliceRows: number, blockRows: number): OutcomeMerge {
  const rank = new Uint8Array(sliceRows).fill(NONE);
  const chosenFile = new Uint32Array(sliceRows);
  const chosenLine = new Uint32Array(sliceRows);
  const rowOf = (outcome: Outcome) => outcome.block * blockRows + outcome.number;
  return {
    consider(outcome, at) {
      const row = rowOf(outcome);
      // Outside the slice it would be another parser's row: it is no row of this job.
      if (row >= sliceRows) return;
      if (RANK[outcome.status] < (rank[row] ?? NONE)) {
        rank[row] = RANK[outcome.status];
        chosenFile[row] = at.file;
        chosenLine[row] = at.line;
      }
    },
    isChosen(outcome, at) {
      const row = rowOf(outcome);
      return (
        row < sliceRows && rank[row] !== NONE && chosenFile[row] === at.file && chosenLine[row] === at.line
      );
    },
    missing() {
      const rows: number[] = [];
      rank.forEach((best, row) => {
        if (best === NONE) rows.push(row);
      });
      return rows;
    },
  };
}
