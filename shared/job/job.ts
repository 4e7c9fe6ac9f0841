// A job as the ledger holds it: a union by state, each member with only its own fields.
//
//   unopened   its manifest can't be read or may not be taken: it has no rows, and its failure is to be reported
//   planning   its manifest is being cut into slices; the first of them may already be under way
//   running    every slice is known
//   completed  every row is accounted for (rows may have failed: the counts say)
//   cancelled  ended by its user's order: rows that had not ended by then are booked as cancelled
//   failed     its manifest could not be opened, the pipeline could not process it, or too many of its rows failed
import type { StoredObject } from '../keys/stored-object.ts';
import type { ManifestHead } from '../manifest/formats/all.ts';
import { boundedName, boundedText } from '../text/bounded.ts';
import type { JobId } from './identity.ts';
import type { JobOptions } from './options.ts';

/** The states that a job's row, the API and events show. A job that could not be opened is shown as planning until it has failed. */
export type JobState = 'planning' | 'running' | EndState;
export type EndState = 'completed' | 'cancelled' | 'failed';

/**
 * What a live job is under, beside its state.
 *
 *   run         its rows are transferred
 *   paused      nothing more is transferred, its messages are dropped unaccounted; resume replays what is missing
 *   cancelling  nothing more is transferred, rows that have not ended are booked as cancelled, and the job ends
 *   expiring    past its deadline: likewise, but rows that have not ended are booked as failed (Lost)
 */
export type JobControl = 'run' | 'paused' | 'cancelling' | 'expiring';

/** Counts of rows by how they ended. At the end rows = stored + skipped + failed + cancelled + rejected. */
export const ROW_COUNTS = ['rows', 'stored', 'skipped', 'failed', 'cancelled', 'rejected'] as const;
const TOTALS = [...ROW_COUNTS, 'attempts', 'throttled', 'returned', 'reposted', 'bytes'] as const;

export type RowCounts = Record<(typeof ROW_COUNTS)[number], number>;
/** What settle counted, from the outcomes: the final truth of a slice or a job. */
export type SettledTotals = Record<(typeof TOTALS)[number], number>;

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

/** A file of known size that holds rows, or names the files that do. One that others may replace is pinned when it is found. */
export interface NamedManifest extends StoredObject {
  sizeBytes: number;
}

/** What of the inbox a job reads: one version, or where the bucket had no versions yet, the object with this ETag. */
export interface ManifestVersion extends NamedManifest {
  etag: string;
  /** Of an arrival without a version. */
  sequencer?: string;
}

/**
 * What names the files that a job's rows stand in, where they are not in the object that started it.
 *
 *   report      of the job that it redrives: its files of failed rows
 *   manifest    one file, which a job file names
 *   converted   the list of the manifest's text, which is written before the first slice is cut; until then there is no list
 */
export type FileList =
  | ({ kind: 'report' } & StoredObject)
  | ({ kind: 'manifest' } & NamedManifest)
  | ({
      kind: 'converted';
      /** The name of the conversion. */
      conversion: string;
      /** Of the manifest, where it has one. */
      contentType?: string;
      /** The manifest, where a job file names it; else it is the job's own. */
      manifest?: NamedManifest;
    } & StoredObject);

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

/** What is known of every job from its first sight on. */
export interface KnownJob {
  id: JobId;
  manifest: ManifestVersion;
  /** Version of the manifest parser that it began under. */
  parserVersion: number;
  /** The job whose failed rows this one's manifest is. */
  redriveOf?: JobId;
  startedAtMs: number;
}

/** What the opening of its manifest freezes. */
export interface OpenedJob extends KnownJob {
  head: ManifestHead;
  /** Names the files that hold its rows; absent where the manifest holds them. */
  files?: FileList;
  options: JobOptions;
  /** Bytes of a slice, about. Frozen: a second cut of the manifest must give the same slices. */
  sliceBytes: number;
  /** Rows of a block; frozen, since a row's number is its place in its block. */
  blockRows: number;
}

export interface UnopenedJob extends KnownJob {
  state: 'unopened';
  /** Absent where it failed before they were read. */
  options?: JobOptions;
  ending: 'abandoned';
  fault: JobFault;
}

interface LiveFields extends OpenedJob {
  /** Epoch ms of the last resume: no item's age counts from before it. */
  resumedAtMs?: number;
  /** Epoch ms after which rows that have not ended are lost; a pause moves it by its length. */
  deadlineMs: number;
  plan: PlanCursor;
  /** Groups of slices that have all settled. */
  settledGroups: ReadonlySet<number>;
  progress?: Progress;
  /** The last percentage that an event has announced: 0 after the event of the job's start, absent before it. */
  announcedPercent?: number;
}

/**
 * `haltedAtMs`: epoch ms since when the control has not been `run`. An upload that began before it may still store objects.
 * `fault`: why the job is being ended, where its user has not ordered it.
 */
export type ControlFields =
  | { control: 'run' }
  | { control: 'paused'; haltedAtMs: number }
  | { control: 'cancelling' | 'expiring'; haltedAtMs: number; fault?: JobFault };

/**
 * How a live job ends, once that is decided. No order changes it any more, and its end is being reported. An `abandoned` job
 * fails with unsettled slices, whose rows are in no count. With any other ending, all slices have settled.
 */
export type Ending =
  | { ending: 'completed' | 'cancelled' }
  | { ending: 'failed'; fault: JobFault }
  | { ending: 'abandoned'; fault: JobFault };
type Undecided = { ending?: never };

/** A job as it is opened. */
export type NewJob = LiveFields & { state: 'planning'; control: 'run' } & Undecided;
export type PlanningJob = LiveFields & { state: 'planning' } & ControlFields &
  (Undecided | Extract<Ending, { ending: 'abandoned' }>);
export type RunningJob = LiveFields & { state: 'running'; slices: number } & ControlFields &
  (Undecided | Ending);
/** Opened, and not ended. */
export type LiveJob = PlanningJob | RunningJob;
/** A job whose end is decided and not fully reported. */
export type DecidedJob = UnopenedJob | Extract<LiveJob, Ending>;

/** A job whose end is decided, before its report is written. It has no options where it failed before they were read. */
export type UnreportedJob = KnownJob &
  (
    | { state: 'completed' | 'cancelled'; options: JobOptions }
    | { state: 'failed'; options?: JobOptions; fault: JobFault }
  );
/** What the end of a job adds to its row. `report` is s3://bucket/key of the completion report's manifest.json. */
export type JobEnd = ({ state: 'completed' | 'cancelled' } | { state: 'failed'; fault: JobFault }) & {
  totals: SettledTotals;
  report: string;
};
export type ReportedJob = UnreportedJob & JobEnd;
export type EndedJob = ReportedJob & { endedAtMs: number };

export type Job = UnopenedJob | LiveJob | EndedJob;

export function isEnded(job: Job): job is EndedJob {
  return job.state === 'completed' || job.state === 'cancelled' || job.state === 'failed';
}

export function isLive(job: Job): job is LiveJob {
  return job.state === 'planning' || job.state === 'running';
}

/** The name of the conversion that its manifest is under; undefined where it needs none, or is converted. */
export function conversionUnderWay(job: LiveJob): string | undefined {
  const isCut = job.state === 'running' || job.plan.slices > 0;
  return job.files?.kind === 'converted' && !isCut ? job.files.conversion : undefined;
}

/** Whether its rows are to be transferred now. */
export function mayTransfer(job: Job): job is LiveJob & { control: 'run' } {
  return isLive(job) && job.control === 'run';
}

/** Whether its rows that have not ended are to be booked, as its control says. */
export function isEnding(job: Job): job is LiveJob & { control: 'cancelling' | 'expiring' } {
  return isLive(job) && (job.control === 'cancelling' || job.control === 'expiring');
}

/** Why it failed; of a live job, why it is being ended. */
export function faultOf(job: Job): JobFault | undefined {
  return 'fault' in job ? job.fault : undefined;
}

export function emptyTotals(): SettledTotals {
  return totalsOf(() => 0);
}

export function addTotals(left: SettledTotals, right: SettledTotals): SettledTotals {
  return totalsOf((name) => left[name] + right[name]);
}

function totalsOf(count: (name: keyof SettledTotals) => number): SettledTotals {
  return Object.fromEntries(TOTALS.map((name) => [name, count(name)])) as SettledTotals;
}

/** Rows that no count explains: 0 at the end, always. */
export function unaccountedRows(counts: RowCounts): number {
  return counts.rows - counts.stored - counts.skipped - counts.failed - counts.cancelled - counts.rejected;
}

/** Slices after which the plan's cursor is remembered. */
export const PLAN_REMEMBER_EVERY = 16;
