// When no upload of a halted job can store an object any more: pure.

/** Milliseconds by which the clocks of two machines may differ, at most; those of AWS differ by less than one (Time Sync Service). */
export const CLOCK_MARGIN_MS = 15_000;

/** Whether every upload that began before the job was halted has ended: nothing more of the job is stored. */
export function uploadsAreOver(
  { haltedAtMs }: { haltedAtMs: number },
  uploadMs: number,
  nowMs: number,
): boolean {
  return nowMs >= haltedAtMs + uploadMs + CLOCK_MARGIN_MS;
}
