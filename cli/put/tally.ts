// What became of the files so far. It does not grow with their number: failures are kept by name up to a bound.
import type { TransferReport } from '../../shared/transfer/engine.ts';

/** Failed files that are kept to be named at the end; those above are told as they happen. */
const FAILURES_KEPT = 1_000;

export interface FailedFile {
  path: string;
  code: string;
  message: string;
}

export interface PutTally {
  /** Files taken up, and those that could not be. */
  rows: number;
  stored: number;
  skipped: number;
  failed: number;
  attempts: number;
  throttled: number;
  transient: number;
  /** Times that a file was put back for later. */
  returned: number;
  bytes: number;
  failures: FailedFile[];
}

export function emptyTally(): PutTally {
  return {
    rows: 0,
    stored: 0,
    skipped: 0,
    failed: 0,
    attempts: 0,
    throttled: 0,
    transient: 0,
    returned: 0,
    bytes: 0,
    failures: [],
  };
}

/** @param tell a failure that is not kept */
export function addReport(
  tally: PutTally,
  path: string,
  { end, attempts, throttled, transient }: TransferReport,
  tell: (failure: FailedFile) => void,
): void {
  tally.attempts += attempts;
  tally.throttled += throttled;
  tally.transient += transient;
  switch (end.kind) {
    case 'stored':
      tally.stored++;
      tally.bytes += end.object.bytes ?? 0;
      break;
    case 'skipped':
      tally.skipped++;
      break;
    case 'failed':
      addFailure(tally, { path, code: end.code, message: end.message }, tell);
      break;
    case 'unfinished':
      tally.returned++;
  }
}

export function addFailure(tally: PutTally, failure: FailedFile, tell: (failure: FailedFile) => void): void {
  tally.failed++;
  if (tally.failures.length < FAILURES_KEPT) tally.failures.push(failure);
  else tell(failure);
}
