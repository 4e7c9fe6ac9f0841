// The slices of a job whose rows in the ledger are missing, or can't be read. The job's other slices go on. Without its row a
// slice can't be replayed or settled: sweep names it until the row is restored, and settle ends the job after its deadline.
import type { JobId } from '../../shared/job/identity.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';

/** Slices that are looked at again for what is wrong with them, a read each. */
const MOST_NAMED = 5;

/** The numbers from..to-1 that are not on the page. */
export function lostNumbers(page: readonly Pick<SliceRow, 'slice'>[], from: number, to: number): number[] {
  const found = new Set(page.map(({ slice }) => slice));
  return Array.from({ length: to - from }, (_, index) => from + index).filter((slice) => !found.has(slice));
}

/** @returns a sentence that names the first of them; undefined where they can be read by now */
export async function describeLost(
  ledger: Pick<Ledger, 'getSlice'>,
  job: JobId,
  slices: readonly number[],
): Promise<string | undefined> {
  const named = slices.slice(0, MOST_NAMED);
  const faults = await Promise.all(named.map((slice) => faultOf(ledger, job, slice)));
  const found = faults.filter((fault) => fault !== undefined);
  if (found.length === 0) return undefined;
  const more = slices.length > named.length ? `; and ${slices.length - named.length} more` : '';
  return found.join('; ') + more;
}

async function faultOf(
  ledger: Pick<Ledger, 'getSlice'>,
  job: JobId,
  slice: number,
): Promise<string | undefined> {
  try {
    const row = await ledger.getSlice({ job, slice });
    const remedy = 'restore it from a backup of the table';
    return row === undefined ? `slice ${job}/${slice} has no row in the ledger: ${remedy}` : undefined;
  } catch (error) {
    if (error instanceof UnreadableRowError) return error.message;
    throw error;
  }
}
