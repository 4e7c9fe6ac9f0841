// The result of `put`: one JSON object for programs, a few lines of text for people.
import { costPerMillion } from '../../local/meter/cost.ts';
import { joined, line, lines, type TerminalText } from '../terminal/text.ts';
import { amountText, bytesText, countText, countTexts } from '../text.ts';
import type { EndFault } from './credentials.ts';
import type { OpenUpload } from './open-uploads.ts';
import { type FailedFile, MAX_PASSED_OVER_NAMED, type PassedOver, type PutTally } from './tally.ts';

/** `failed`: it ended before its files did, and `fault` says why. */
export type PutState = 'completed' | 'failed' | 'interrupted';

export interface PutRun {
  job: string;
  state: PutState;
  /** Where the files are: the folder, or the key of a single file. */
  destination: string;
  tally: PutTally;
  seconds: number;
  fault?: EndFault | undefined;
  /** Multipart uploads that S3 would not abort. */
  openUploads: readonly OpenUpload[];
}

/** The demo's fields; null where it is not visible from outside: S3's limit, its partitions, a report. */
export function resultOf({ job, state, destination, tally, seconds, fault, openUploads }: PutRun) {
  const { rows, stored, skipped, failed, passedOver, throttled, transient, returned, bytes } = tally;
  const attempts = attemptsOf(state, tally);
  const accepted = attempts - throttled - transient;
  const none = { requests: 0, accepted: 0, throttled: 0, failed: 0, bytesIn: 0, bytesOut: 0 };
  return {
    job,
    state,
    ...(fault === undefined ? {} : { fault }),
    destination,
    rows,
    stored,
    skipped,
    failed,
    /** Begun, but not ended when the command was interrupted. */
    cancelled: rows - stored - skipped - failed,
    rejected: 0,
    unaccounted: 0,
    /** Links and what is neither file nor folder, which are no rows. */
    passedOver,
    attempts,
    throttled,
    /** Requests that failed on the way or at S3, and were tried again. */
    transient,
    returned,
    reposted: 0,
    bytes,
    seconds,
    objectsPerSecond: Math.round((stored / Math.max(0.001, seconds)) * 10) / 10,
    limitPerSecond: null,
    partitions: null,
    requests: { destination: { accepted, throttled }, s3: attempts, sqs: 0, dynamodb: 0, lambda: 0 },
    costPerMillionUsd: costPerMillion(
      {
        destination: { ...none, requests: attempts, accepted, throttled },
        s3: { writes: 0, reads: 0 },
        sqs: { billedUnits: 0, requests: 0 },
        dynamodb: { requests: 0, readUnits: 0, writeUnits: 0 },
        lambda: {},
        logBytes: 0,
      },
      stored,
    ),
    report: null,
    failures: tally.failures,
    openUploads,
  };
}

/** The attempts of files without an end have not been reported. */
function attemptsOf(state: PutState, { attempts, answered }: PutTally): number {
  return state === 'completed' ? attempts : Math.max(attempts, answered);
}

export function failureText({ path, code, message }: FailedFile): TerminalText {
  return line`  ${path}: ${message} (${code})`;
}

export function passedOverText({ path, message }: PassedOver): TerminalText {
  return line`  passed over: ${path}: ${message}`;
}

/** With what it takes to end it: S3 keeps and bills its parts until then. */
function openUploadText({ key, uploadId, code, message }: OpenUpload): TerminalText {
  return lines([
    line`  ${key}: its multipart upload could not be aborted: ${message} (${code})`,
    line`    S3 bills its parts until \`aws s3api abort-multipart-upload\` ends it; upload id ${uploadId}`,
  ]);
}

/** Where the run ended early, some were not tried again. */
function triedAgain(requests: number): string {
  return ` and ${requests === 1 ? 'was' : 'were'} tried again`;
}

/** How S3 took the requests. */
function answersText(state: PutState, tally: PutTally): TerminalText {
  const { stored, failed, throttled, transient, answered, lastFault } = tally;
  const attempts = attemptsOf(state, tally);
  if (answered === 0) return line`no request was answered`;
  if (throttled === 0 && transient === 0 && lastFault === undefined) {
    const isAllTaken = state === 'completed' && failed === 0;
    return line`${isAllTaken ? 'S3 took every request at once' : amountText(attempts, 'request')}`;
  }
  const faults = [
    throttled > 0 && `${amountText(throttled, 'time')} S3 said SlowDown`,
    transient > 0 &&
      `${amountText(transient, 'request')} failed${state === 'completed' ? triedAgain(transient) : ''}`,
    lastFault !== undefined && line`the last answer was ${lastFault.code}: ${lastFault.message}`,
  ];
  const answers = joined(faults, ', ');
  return stored === 0 ? answers : line`${answers}: ${(attempts / stored).toFixed(2)} requests an object`;
}

const HEADS: Readonly<Record<PutState, string>> = {
  completed: '',
  failed: 'Ended early: ',
  interrupted: 'Interrupted: ',
};

export function summaryOf(
  { state, destination, tally, seconds, fault, openUploads }: PutRun,
  spread: string,
): TerminalText {
  const { rows, stored, skipped, failed, passedOver, bytes, throttled, failures } = tally;
  const unfinished = rows - stored - skipped - failed;
  const others = countTexts({ skipped, failed, unfinished, 'passed over': passedOver });
  const amounts = [`(${bytesText(bytes)})`, ...others].join(', ');
  const pace = `${seconds.toFixed(1)} s, ${countText(stored / Math.max(0.001, seconds))} objects/s`;
  const head = `${HEADS[state]}${amountText(stored, 'file')} stored at`;
  return lines([
    line`${head} ${destination} ${amounts}`,
    line`${pace}; ${answersText(state, tally)}`,
    fault !== undefined &&
      line`The credentials are not valid any more, and nothing renews them: ${fault.message} (${fault.code})`,
    fault !== undefined && 'Get new ones, and run the same command again.',
    state !== 'completed' &&
      'What is stored stays. --if-exists skip goes on where this ended, without sending it again.',
    throttled > stored / 10 &&
      spread === 'off' &&
      '--spread binary hashes the keys, so that S3 can share the load among more partitions.',
    passedOver > MAX_PASSED_OVER_NAMED &&
      `  passed over: ${countText(passedOver - MAX_PASSED_OVER_NAMED)} more than those that are named above`,
    ...failures.map(failureText),
    failed > failures.length && `  and ${countText(failed - failures.length)} more, shown above`,
    ...openUploads.map(openUploadText),
  ]);
}
