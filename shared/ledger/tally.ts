// The set logic of the ledger: pure. A block, a slice and a job are each finished when sets of numbers cover their size.
// Sets, because deliveries come more than once and in any order: adding a number twice changes nothing, a counter would.
import { sliceGroupsOf } from '../job/identity.ts';
import type { Job, RunningJob } from '../job/job.ts';

/** How a row ended, as the ledger's sets know it. `done` is stored or skipped: only the report distinguishes them. */
export const ROW_ENDS = ['done', 'failed', 'cancelled', 'rejected'] as const;
export type RowEnd = (typeof ROW_ENDS)[number];

export type NumberSets = Readonly<Record<RowEnd, ReadonlySet<number>>>;
export type BlockCounts = Record<RowEnd, number>;

export interface BlockRow extends NumberSets {
  /** Physical rows of the block, good or bad. */
  size: number;
}

/** Whether the numbered row of the block has ended, however. */
export function hasEnded({ done, failed, cancelled, rejected }: NumberSets, number: number): boolean {
  return done.has(number) || failed.has(number) || cancelled.has(number) || rejected.has(number);
}

/** Each number counts once, under the first of its ends: where duplicates disagree, done > failed > cancelled > rejected. */
export function countBlock(block: NumberSets): BlockCounts {
  const counts: BlockCounts = { done: 0, failed: 0, cancelled: 0, rejected: 0 };
  const seen = new Set<number>();
  for (const end of ROW_ENDS) {
    for (const number of block[end]) {
      if (seen.has(number)) continue;
      seen.add(number);
      counts[end]++;
    }
  }
  return counts;
}

/** Rows of the block that have ended, however. */
export function endedRows(block: NumberSets): number {
  const [first, ...others] = ROW_ENDS.map((end) => block[end]).filter(({ size }) => size > 0);
  // Nearly every block: its rows end in one way. Each write of a batch asks, and would count up to 2,000 numbers.
  if (first === undefined || others.length === 0) return first?.size ?? 0;
  const ended = new Set(first);
  for (const numbers of others) for (const number of numbers) ended.add(number);
  return ended.size;
}

/** A block is closed when every one of its rows has ended. */
export function isBlockClosed(block: BlockRow): boolean {
  return endedRows(block) >= block.size;
}

/** Whether the closed parts are all that there are. */
export function isCovered(closed: ReadonlySet<number>, parts: number): boolean {
  return closed.size >= parts;
}

/** A block's counts in the slice's row: `done/failed/cancelled/rejected`, short because the whole row is billed at each write. */
export function encodeCounts(counts: BlockCounts): string {
  return ROW_ENDS.map((end) => counts[end]).join('/');
}

export function decodeCounts(text: string): BlockCounts {
  const parts = text.split('/').map(Number);
  const countOf = (part: number | undefined) => (Number.isSafeInteger(part) ? part : 0);
  return Object.fromEntries(ROW_ENDS.map((end, index) => [end, countOf(parts[index])])) as BlockCounts;
}

/** Whether every slice of the job has settled: it can be completed. */
export function isSettled(job: Job): job is RunningJob {
  return job.state === 'running' && isCovered(job.settledGroups, sliceGroupsOf(job.slices));
}
