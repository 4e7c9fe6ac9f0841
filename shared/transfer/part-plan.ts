// How an object of many bytes is cut into the parts of a multipart upload.

const MIB = 1024 ** 2;
/** Above this an object goes in parts: a part that fails costs less than the whole, and parts go side by side. */
export const PARTS_ABOVE_BYTES = 16 * MIB;
/** S3 takes parts from 5 MiB; 8 MiB is what most tools send. */
const PART_BYTES = 8 * MIB;
/** S3's own limit. */
const MAX_PARTS = 10_000;
/** A part is held in memory while it is sent, so this bounds it, and with it the largest object: 2.4 TiB. */
const MAX_PART_BYTES = 256 * MIB;

/** Above this a copy goes in parts: CopyObject answers only when it is done, and a client that hangs up may cancel it. */
export const COPY_IN_PARTS_ABOVE_BYTES = 256 * MIB;
/** S3's least size of every part but the last, and its largest. */
const LEAST_PART_BYTES = 5 * MIB;
const S3_PART_BYTES = 5 * 1024 * MIB;
/** A part of this size is copied in a second or two: little is lost where its time is over, or it fails. */
const COPY_PART_BYTES = 128 * MIB;

export type PartPlan = { kind: 'whole' } | LargePlan;
type LargePlan =
  | { kind: 'parts'; partBytes: number; parts: number }
  | { kind: 'too-large'; mostBytes: number };

export interface Part {
  /** From 1, as S3 counts them. */
  number: number;
  offset: number;
  bytes: number;
}

/** Parts are of one size, in whole MiB, but for the last. */
export function planParts(sizeBytes: number): PartPlan {
  if (sizeBytes <= PARTS_ABOVE_BYTES) return { kind: 'whole' };
  return planOf(sizeBytes, PART_BYTES, MAX_PART_BYTES);
}

/**
 * The parts of a server-side copy, which holds none of them in memory: objects up to 48.8 TiB, the most that ingest lets a row have.
 * @param aboveBytes what goes in parts; a deployment that lowers it gets smaller parts
 */
export function planCopyParts(sizeBytes: number, aboveBytes = COPY_IN_PARTS_ABOVE_BYTES): LargePlan {
  const usual = Math.min(COPY_PART_BYTES, Math.max(LEAST_PART_BYTES, Math.floor(aboveBytes / 2 / MIB) * MIB));
  return planOf(sizeBytes, usual, S3_PART_BYTES);
}

function planOf(sizeBytes: number, usualPartBytes: number, mostPartBytes: number): LargePlan {
  const partBytes = Math.max(usualPartBytes, Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB);
  if (partBytes > mostPartBytes) return { kind: 'too-large', mostBytes: MAX_PARTS * mostPartBytes };
  return { kind: 'parts', partBytes, parts: Math.ceil(sizeBytes / partBytes) };
}

/** The parts of an object, in order. */
export function partsOf({ partBytes }: { partBytes: number }, sizeBytes: number): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    number: index + 1,
    offset: index * partBytes,
    bytes: Math.min(partBytes, sizeBytes - index * partBytes),
  }));
}
