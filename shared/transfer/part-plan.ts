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

export type PartPlan =
  | { kind: 'whole' }
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
  const least = Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB;
  const partBytes = Math.max(PART_BYTES, least);
  if (partBytes > MAX_PART_BYTES) return { kind: 'too-large', mostBytes: MAX_PARTS * MAX_PART_BYTES };
  return { kind: 'parts', partBytes, parts: Math.ceil(sizeBytes / partBytes) };
}

/** The plan's parts, in order. */
export function partsOf({ partBytes, parts }: PartPlan & { kind: 'parts' }, sizeBytes: number): Part[] {
  return Array.from({ length: parts }, (_, index) => ({
    number: index + 1,
    offset: index * partBytes,
    bytes: Math.min(partBytes, sizeBytes - index * partBytes),
  }));
}
