// A job as the ledger holds it: what was frozen at first sight, and how far it is.
import type { StoredObject } from '../keys/stored-object.ts';
import type { ManifestHead } from '../manifest/formats/all.ts';
import { boundedName, boundedText } from '../text/bounded.ts';
import type { JobId } from './identity.ts';
import type { JobOptions } from './options.ts';

/**
 * planning   the manifest is being cut into slices; the first of them may already be under way
 * running    every slice is known
 * completed  every row is accounted for (rows may have failed: the counts say)
 * cancelled  ended on its user's order: what had not ended by then is booked as cancelled
 * failed     the manifest could not be read at all, the pipeline could not process it, or too many of its rows failed
 */
export type JobState = 'planning' | 'running' | EndState;
export type EndState = 'completed' | 'cancelled' | 'failed';

/**
 * What a live job is under, beside its state.
 *
 *   run         its rows are transferred
 *   paused      nothing more is transferred, its messages are dropped unaccounted; resume replays what is missing
 *   cancelling  nothing more is transferred, what has not ended is booked as cancelled, and the job ends
 *   expiring    past its deadline: likewise, but what has not ended is booked as failed (Lost)
 */
export type JobControl = 'run' | 'paused' | 'cancelling' | 'expiring';

/** Counts of rows by how they ended. At the end rows = stored + skipped + failed + cancelled + rejected. */
export interface RowCounts {
  rows: number;
  stored: number;
  skipped: number;
  failed: number;
  cancelled: number;
  rejected: number;
}

/** What settle counted, from the outcomes: the final truth of a slice or a job. */
export interface SettledTotals extends RowCounts {
  attempts: number;
  throttled: number;
  returned: number;
  reposted: number;
  bytes: number;
}

/** Rows of a manifest that ingest has read, and how many of them it rejected. */
export interface RowIntake {
  read: number;
  rejected: number;
}

/** How far a running job is, summed from its slices' closed blocks. `done` = stored + skipped. */
export interface Progress {
  rows: number;
  done: number;
  failed: number;
  cancelled: number;
  rejected: number;
  /** Rows that ingest has read, whether they have ended or not; absent in a sum of an earlier version. */
  intake?: RowIntake;
  /** Epoch ms at which it was summed, where it was kept. */
  atMs?: number;
}

/** What of the inbox a job reads: one version, or where the bucket had no versions yet, the object with this ETag. */
export interface ManifestVersion {
  bucket: string;
  key: string;
  versionId?: string;
  /** Of an arrival without a version. */
  sequencer?: string;
  sizeBytes: number;
  etag: string;
}

/** The list of files that a job's rows stand in, where they are not in its manifest itself: the report of the job it redrives. */
export interface FileList extends StoredObject {
  kind: 'report';
}

/** Where the cutting of the manifest stands: the next slice begins here. */
export interface PlanCursor {
  slices: number;
  rows: number;
  offset: number;
  line: number;
  /** Which file of its list they are an offset and a line of, from 0, where the job has one. */
  file?: number;
}

export interface JobFault {
  code: string;
  message: string;
}

/** A fault that any row, answer, event and log line can hold. */
export function jobFault(code: string, message: string): JobFault {
  return { code: boundedName(code), message: boundedText(message) };
}

export interface Job {
  id: JobId;
  state: JobState;
  manifest: ManifestVersion;
  /** Absent where the manifest could not be opened. */
  head?: ManifestHead;
  /** Names the files that hold its rows; absent where the manifest holds them. */
  files?: FileList;
  options: JobOptions;
  parserVersion: number;
  /** Bytes of a slice, about. Frozen: a second cut of the manifest must give the same slices. */
  sliceBytes: number;
  /** Rows of a block; frozen, since a row's number is its place in its block. */
  blockRows: number;
  /** The job whose failed rows this one's manifest is. */
  redriveOf?: JobId;
  control: JobControl;
  /** Epoch ms since when `control` has not been `run`. An upload that began before it may still store objects. */
  haltedAtMs?: number;
  /** Epoch ms of the last resume: no item's age counts from before it. */
  resumedAtMs?: number;
  startedAtMs: number;
  /** Epoch ms after which rows that have not ended are lost; a pause moves it by its length. */
  deadlineMs: number;
  endedAtMs?: number;
  plan: PlanCursor;
  /**
   * How it ends, once that is being told: no order changes it any more. `abandoned` is failed as it stands, with rows that no
   * count explains; else all of it has settled.
   */
  ending?: EndState | 'abandoned';
  /** Count of slices; absent until the whole manifest is cut. */
  slices?: number;
  /** Groups of slices that have all settled. */
  settledGroups: ReadonlySet<number>;
  progress?: Progress;
  totals?: SettledTotals;
  /** Where the completion report lies: s3://bucket/key of its manifest.json. */
  report?: string;
  /** Why it failed; in a live job, why it is being ended. */
  fault?: JobFault;
}

export type EndedJob = Job & { state: EndState };

export function isLive(job: Pick<Job, 'state'>): boolean {
  return job.state === 'planning' || job.state === 'running';
}

/** Whether its rows are to be transferred now. */
export function isRunning(job: Pick<Job, 'state' | 'control'>): boolean {
  return isLive(job) && job.control === 'run';
}

/** Whether what has not ended in it is to be booked, and as what. */
export function isEnding(job: Pick<Job, 'state' | 'control'>): boolean {
  return isLive(job) && (job.control === 'cancelling' || job.control === 'expiring');
}

export function emptyTotals(): SettledTotals {
  return {
    rows: 0,
    stored: 0,
    skipped: 0,
    failed: 0,
    cancelled: 0,
    rejected: 0,
    attempts: 0,
    throttled: 0,
    returned: 0,
    reposted: 0,
    bytes: 0,
  };
}

export function addTotals(left: SettledTotals, right: SettledTotals): SettledTotals {
  const sum = emptyTotals();
  for (const name of Object.keys(sum) as (keyof SettledTotals)[]) sum[name] = left[name] + right[name];
  return sum;
}

/** Rows that no count explains: 0 at the end, always. */
export function unaccountedRows(counts: RowCounts): number {
  return counts.rows - counts.stored - counts.skipped - counts.failed - counts.cancelled - counts.rejected;
}

/** Slices after which the plan's cursor is remembered. */
export const PLAN_REMEMBER_EVERY = 16;
