// Counts how the files have ended so far. It does not grow with their number: failures are kept by name up to a bound.
import type { Fault } from '../../shared/aws/classify.ts';
import type { TransferReport } from '../../shared/transfer/engine.ts';

/** Failed files that are kept to be named at the end; those beyond are printed as they happen. */
const FAILURES_KEPT = 1_000;
/** What is passed over is named up to here, and then only counted: a folder of links has thousands. */
export const MAX_PASSED_OVER_NAMED = 20;

export interface FailedFile {
  path: string;
  code: string;
  message: string;
}

export interface PassedOver {
  path: string;
  message: string;
}

export type PutTally = ReturnType<typeof emptyTally>;

export function emptyTally() {
  return {
    /** Files taken up, and those that could not be. */
    rows: 0,
    stored: 0,
    skipped: 0,
    failed: 0,
    /** Links, and what is neither file nor folder: no rows. */
    passedOver: 0,
    attempts: 0,
    throttled: 0,
    transient: 0,
    /** Requests that were answered, or failed on the way: a file's report, with its attempts, may be minutes away. */
    answered: 0,
    /** Times that a file was put back for later. */
    returned: 0,
    /** The last fault of S3, or of the way to it, after which a request is tried again. Absent once a later request was taken. */
    lastFault: undefined as Pick<Fault, 'code' | 'message'> | undefined,
    bytes: 0,
    failures: [] as FailedFile[],
  };
}

/** A request's answer, as it comes. */
export function addAnswer(tally: PutTally, fault?: Fault): void {
  tally.answered++;
  addFault(tally, fault);
}

/** @param fault absent: a request was taken */
export function addFault(tally: PutTally, fault?: Fault): void {
  if (fault === undefined) tally.lastFault = undefined;
  else if (isTriedAgain(fault)) tally.lastFault = { code: fault.code, message: fault.message };
}

/** SlowDown is counted and shown by itself. */
function isTriedAgain({ kind }: Fault): boolean {
  return kind === 'transient' || kind === 'conflict';
}

/** @param print a failure that is not kept */
export function addReport(
  tally: PutTally,
  path: string,
  { end, attempts, throttled, transient }: TransferReport,
  print: (failure: FailedFile) => void,
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
      addFailure(tally, { path, code: end.code, message: end.message }, print);
      break;
    case 'unfinished':
      tally.returned++;
  }
}

export function addFailure(tally: PutTally, failure: FailedFile, print: (failure: FailedFile) => void): void {
  tally.failed++;
  if (tally.failures.length < FAILURES_KEPT) tally.failures.push(failure);
  else print(failure);
}

export function addPassedOver(tally: PutTally, found: PassedOver, print: (found: PassedOver) => void): void {
  tally.passedOver++;
  if (tally.passedOver <= MAX_PASSED_OVER_NAMED) print(found);
}
