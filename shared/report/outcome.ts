// How one row ended, as its worker wrote it down: the report is made of these.
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
  item?: Partial<ManifestItem> | Record<string, string>;
  /** Up to 1 KiB of a rejected row, as it stood. */
  raw?: string;
  /** s3://bucket/key */
  destination?: string;
  etag?: string;
  versionId?: string;
  checksum?: string;
  bytes?: number;
  /** Requests sent to S3, and how many of them it throttled. */
  attempts?: number;
  throttled?: number;
  returned?: number;
  reposted?: number;
  ms?: number;
  code?: string;
  message?: string;
}

/**
 * Requests that were sent for a row in a delivery whose message then went back to its queue. They end nothing; the report adds
 * them to the row's own, since the message can't carry them: a visibility change leaves its body as it is.
 */
export interface ReturnedDelivery extends Pick<Outcome, 'block' | 'number'> {
  status: 'returned';
  attempts: number;
  throttled: number;
}

/** A line of an outcome file. */
export type OutcomeRecord = Outcome | ReturnedDelivery;
