// The keys of a simulated run: paths of a binary spread (shared/keys/spread.ts), and where partitions cut them.

/** Every path of this many leading bits, as a hash of endless keys fills them. A partition has at least 16 of them. */
const KEY_BITS = 16;
export const KEYS = 2 ** KEY_BITS;

/** All paths, in S3's order. Made once: they take longer than a short run. */
export const SPREAD_PATHS: readonly string[] = Array.from({ length: KEYS }, (_, index) => binaryPath(index));

/** Where n even partitions of the key space start, without the first. */
export function evenStartKeys(partitions: number): string[] {
  return Array.from(
    { length: partitions - 1 },
    (_, index) => SPREAD_PATHS[firstKeyOf(index + 1, partitions)] ?? '',
  );
}

/** The number of the first path in a partition of n even ones. */
export function firstKeyOf(partition: number, partitions: number): number {
  return Math.round((partition * KEYS) / partitions);
}

/** `bbbb/bbbb/…` */
function binaryPath(value: number): string {
  return value
    .toString(2)
    .padStart(KEY_BITS, '0')
    .replace(/(.{4})(?=.)/g, '$1/');
}
