// How one row ended, as its worker wrote it down: the report is made of these.
import type { ChecksumAlgorithm } from '../attributes/object-attributes.ts';
import { faultOf, type Job } from '../job/job.ts';
import type { ManifestItem } from '../manifest/columns.ts';

/** In order of precedence: where two deliveries of a row disagree, the earlier one here is what the report says. */
export const OUTCOME_STATUSES = ['stored', 'skipped', 'failed', 'cancelled', 'rejected'] as const;
export type OutcomeStatus = (typeof OUTCOME_STATUSES)[number];

export interface Outcome {
  block: number;
  /** The row's number in its block. */
  number: number;
  status: OutcomeStatus;
  /** The row's line in the manifest, from 1. */
  line: number;
  /** The row's own columns; absent where the row could not be read, or is not known any more. */
  item?: Partial<ManifestItem> | Record<string, string | Record<string, string>>;
  /** Up to 1 KiB of a rejected row, as it stood. */
  raw?: string;
  /** s3://bucket/key */
  destination?: string;
  etag?: string;
  versionId?: string;
  checksum?: string;
  /** Where it is not CRC32. */
  checksumAlgorithm?: ChecksumAlgorithm;
  bytes?: number;
  /** Requests sent to S3, and how many of them it throttled. */
  attempts?: number;
  throttled?: number;
  returned?: number;
  reposted?: number;
  ms?: number;
  code?: string;
  message?: string;
  /**
   * Where it stands for several rows of its block that ended in the same way, `number` the first of them: all their numbers, as
   * `[first, last]` of each stretch, in order.
   */
  numbers?: readonly NumberRange[];
  /** The line of the last of them. */
  lastLine?: number;
}

export type NumberRange = readonly [first: number, last: number];

/** @param numbers in ascending order */
export function rangesOf(numbers: readonly number[]): NumberRange[] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

/** The numbers of the rows that it stands for, within its block. */
export function numbersOf({ number, numbers }: Outcome): number[] {
  return (
    numbers?.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    ) ?? [number]
  );
}

export function rowCountOf({ numbers }: Outcome): number {
  return numbers?.reduce((sum, [first, last]) => sum + last - first + 1, 0) ?? 1;
}

/** @returns the outcome for the wanted rows alone; undefined if none of its rows is wanted */
export function narrowed(outcome: Outcome, isWanted: (number: number) => boolean): Outcome | undefined {
  if (outcome.numbers === undefined) return isWanted(outcome.number) ? outcome : undefined;
  const wanted = numbersOf(outcome).filter(isWanted);
  const [number] = wanted;
  return number === undefined ? undefined : { ...outcome, number, numbers: rangesOf(wanted) };
}

/**
 * Requests for a row in a delivery whose message then went back to its queue. They end no row. The report adds them to the row's
 * own requests, since the message can't carry them: a visibility change leaves its body as it is.
 */
export interface ReturnedDelivery extends Pick<Outcome, 'block' | 'number'> {
  status: 'returned';
  attempts: number;
  throttled: number;
}

/** A line of an outcome file. */
export type OutcomeRecord = Outcome | ReturnedDelivery;

/** Short, since it stands in each cancelled row, which may be every row of a manifest. The job itself has the reason. */
export function cancelledMessage(job: Job | undefined): string {
  const fault = job === undefined ? undefined : faultOf(job);
  const why = fault === undefined ? 'cancelled' : `ended (${fault.code})`;
  return `its job was ${why} before it was stored`;
}
