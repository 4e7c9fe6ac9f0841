// Counts the requests for items that went back by visibility. The worker keeps the counts until it writes an outcome file of
// their slice anyway. So the report's sums are exact without an extra request. Counts that a worker still holds when it ends are
// lost.
import { type ItemId, type SliceId, sliceName } from '../job/identity.ts';
import type { ReturnedDelivery } from './outcome.ts';

/** Rows of which one worker keeps counts: about 2 MB. Above it the slice that was touched first is forgotten. */
const MOST_ROWS = 10_000;

export type ReturnedAttempts = ReturnType<typeof createReturnedAttempts>;

export function createReturnedAttempts(mostRows = MOST_ROWS) {
  const slices = new Map<string, Map<string, ReturnedDelivery>>();
  let rows = 0;

  function forget(name: string): ReturnedDelivery[] {
    const kept = [...(slices.get(name)?.values() ?? [])];
    slices.delete(name);
    rows -= kept.length;
    return kept;
  }

  return {
    add(
      { job, slice, block, number }: ItemId,
      { attempts, throttled }: { attempts: number; throttled: number },
    ): void {
      const name = sliceName({ job, slice });
      const kept = slices.get(name) ?? new Map<string, ReturnedDelivery>();
      slices.set(name, kept);
      const row = `${block}/${number}`;
      const before = kept.get(row);
      if (before === undefined) rows += 1;
      kept.set(row, {
        block,
        number,
        status: 'returned',
        attempts: attempts + (before?.attempts ?? 0),
        throttled: throttled + (before?.throttled ?? 0),
      });
      const [oldest] = slices.keys();
      if (rows > mostRows && oldest !== undefined) forget(oldest);
    },
    /**
     * Takes out the counts of a slice. They are not put back if the write fails: the file may exist, and they would count twice.
     */
    take: (slice: SliceId): ReturnedDelivery[] => forget(sliceName(slice)),
  };
}
