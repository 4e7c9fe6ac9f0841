// What `put` has to say at its end: to programs as one object, to people as a few lines.
import { costPerMillion } from '../../local/cost.ts';
import { amountText, bytesText, countText, shownKey } from '../text.ts';
import type { FailedFile, PutTally } from './tally.ts';

export type PutState = 'completed' | 'interrupted';

export interface PutRun {
  job: string;
  state: PutState;
  tally: PutTally;
  seconds: number;
}

/** The demo's fields; null where there is nothing to tell from outside: S3's limit, its partitions, a report. */
export function resultOf({ job, state, tally, seconds }: PutRun) {
  const { rows, stored, skipped, failed, attempts, throttled, transient, returned, bytes } = tally;
  const accepted = attempts - throttled - transient;
  const none = { requests: 0, accepted: 0, throttled: 0, failed: 0, bytesIn: 0, bytesOut: 0 };
  return {
    job,
    state,
    rows,
    stored,
    skipped,
    failed,
    /** Taken up, and without an end when the command was interrupted. */
    cancelled: rows - stored - skipped - failed,
    rejected: 0,
    unaccounted: 0,
    attempts,
    throttled,
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
        sqs: { billedUnits: 0, byFunctions: 0, requests: 0 },
        dynamodb: { requests: 0, readUnits: 0, writeUnits: 0 },
        lambda: {},
        logBytes: 0,
      },
      stored,
    ),
    report: null,
    failures: tally.failures,
  };
}

export function failureText({ path, code, message }: FailedFile): string {
  return `  ${shownKey(path)}: ${message} (${code})`;
}

export function summaryOf(
  { state, tally, seconds }: PutRun,
  { destination, spread }: { destination: string; spread: string },
): string {
  const { rows, stored, skipped, failed, attempts, throttled, bytes, failures } = tally;
  const unfinished = rows - stored - skipped - failed;
  const others = Object.entries({ skipped, failed, unfinished })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `, ${countText(count)} ${name}`);
  const pace = `${seconds.toFixed(1)} s, ${countText(stored / Math.max(0.001, seconds))} objects/s`;
  const slow =
    throttled === 0
      ? 'S3 took every request at once'
      : `${amountText(throttled, 'time')} S3 said SlowDown: ${(attempts / Math.max(1, stored)).toFixed(2)} requests an object`;
  return [
    `${state === 'interrupted' ? 'Interrupted: ' : ''}${amountText(stored, 'file')} stored at ${shownKey(destination)} (${bytesText(bytes)})${others.join('')}`,
    `${pace}; ${slow}`,
    ...(state === 'interrupted'
      ? ['What is stored stays. --if-exists skip goes on where this ended, without sending it again.']
      : []),
    ...(throttled > stored / 10 && spread === 'off'
      ? ['--spread binary hashes the keys, so that S3 can share the load among more partitions.']
      : []),
    ...failures.map(failureText),
    ...(failed > failures.length ? [`  and ${countText(failed - failures.length)} more, told above`] : []),
  ].join('\n');
}
