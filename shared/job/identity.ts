// Identities follow from a place alone: every re-reading and redelivery gives the same row the same id.
//
//   job     one drop of a manifest: bucket, key and version, or the id in the key api/<id>/manifest
//   slice   a stretch of the manifest, numbered from 0 in its order
//   group   256 consecutive slices, numbered from 0: what the ledger books settled slices in
//   block   2,000 consecutive physical rows of a slice (`blockRows` of the job), numbered from 0
//   item    one row: job / slice / block / number within its block
import { createHash } from 'node:crypto';

declare const jobIdBrand: unique symbol;
export type JobId = string & { readonly [jobIdBrand]: true };

/**
 * Rows of one block, unless the deployment says otherwise. Messages come back shuffled, so a batch has rows of several blocks and
 * writes to each: larger blocks are fewer. Up to this size the ledger's row stays within 1 KB, one write unit
 * (shared/ledger/compaction.ts).
 */
export const BLOCK_ROWS = 2_000;
/** Blocks of one slice at most: their counts and the set of closed ones stay far under DynamoDB's 400 KB an item. */
export const SLICE_BLOCKS = 256;
/** Rows of one slice at most: settle holds 17 bytes for each, and must read all their outcomes within its time. */
const SLICE_ROWS = 128_000;
/** Slices of one group: their set stays under 1 KB, one write unit, however often it is written. */
export const GROUP_SLICES = 256;
/** Bytes of a manifest in one slice, about: enough that a slice's fixed costs vanish, small enough to redo. */
export const SLICE_BYTES = 8 * 1024 * 1024;

export interface SliceId {
  job: JobId;
  slice: number;
}

export interface BlockId extends SliceId {
  block: number;
}

export interface ItemId extends BlockId {
  /** The row's number within its block, from 0. */
  number: number;
}

/** Slices of one job at most: what its end reads, lists and lets expire fits one invocation of settle (docs/ledger.md). */
export const MOST_SLICES = 32_768;
/** A manifest's bytes alone make fewer than twice as many: any two neighbours hold more than a slice's bytes. */
const SLICES_BY_BYTES = MOST_SLICES / 2;

/** Bytes of a slice of this manifest: at least what the deployment says, and growing with the manifest. */
export function sliceBytesOf(manifestBytes: number, least: number): number {
  return Math.max(least, Math.ceil(manifestBytes / SLICES_BY_BYTES));
}

/** Rows of a job's slices at most. An older version's job, of blocks of 500 or fewer, is cut as that version cut it. */
export function sliceRowsOf(blockRows: number): number {
  return Math.min(SLICE_BLOCKS * blockRows, SLICE_ROWS);
}

export function sliceGroupsOf(slices: number): number {
  return Math.ceil(slices / GROUP_SLICES);
}

const JOB_ID = /^[0-9a-z][0-9a-z-]{7,63}$/;
/** The only key that names a job: every other one under api/ is an ordinary drop. */
const NAMED_JOB_KEY = /^api\/([^/]+)\/manifest$/;

export function isJobId(text: string): text is JobId {
  return JOB_ID.test(text);
}

/** 80 bits of SHA-256 over the parts, in hex. The chance that two of a billion jobs get the same id is below one in a million. */
export function hashedJobId(...parts: readonly string[]): JobId {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 20) as JobId;
}

/**
 * One drop of a manifest, as S3 announced it. Versioning takes up to 15 minutes to be active on a new bucket
 * (PutBucketVersioning): a drop before that has no version id, and is identified by its ETag and its sequencer.
 */
export type ManifestArrival = {
  bucket: string;
  key: string;
  /** The manifest is in another bucket than the stack's own inbox. No key there names a job, since others may write any key. */
  isForeign?: true;
} & ({ versionId: string } | { etag: string; sequencer: string });

/** What a job keeps of its manifest's arrival. */
export function arrivedObject<Arrival extends ManifestArrival>({
  isForeign: _,
  ...object
}: Arrival): Omit<Arrival, 'isForeign'> {
  return object;
}

/** The id that a manifest's key gives its job, where it is the key `api/<jobId>/manifest` of the stack's own inbox. */
export function idNamedBy({ key, isForeign }: ManifestArrival): JobId | undefined {
  return isForeign === true ? undefined : namedJobId(key);
}

export function namedJobId(key: string): JobId | undefined {
  const named = NAMED_JOB_KEY.exec(key)?.[1];
  return named !== undefined && isJobId(named) ? named : undefined;
}

/** The key under which a manifest is submitted under an id. */
export function keyOfJob(job: JobId): string {
  return `api/${job}/manifest`;
}

/** The id that follows from the drop alone. The same event twice is the same job; the same file dropped twice is two. */
export function dropJobId(arrival: ManifestArrival): JobId {
  const { bucket, key } = arrival;
  return 'versionId' in arrival
    ? hashedJobId('manifest', bucket, key, arrival.versionId)
    : hashedJobId('manifest', bucket, key, arrival.etag, arrival.sequencer);
}

/** The id of the job that a manifest's arrival starts. */
export function jobIdOfManifest(arrival: ManifestArrival): JobId {
  return idNamedBy(arrival) ?? dropJobId(arrival);
}

export function sliceName({ job, slice }: SliceId): string {
  return `${job}/${slice}`;
}

export function itemName({ job, slice, block, number }: ItemId): string {
  return `${job}/${slice}/${block}/${number}`;
}
