// Closes blocks whose rows had all ended before: a crash may have come between the last row and the closing of its block.
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { Delivery } from './delivery.ts';
import type { FoundItems } from './look-up.ts';

/** @returns the deliveries that stay in the queue, because a block could not be closed */
export async function closeBlocks(
  ledger: Pick<Ledger, 'recordEnds'>,
  { closed, ended }: Pick<FoundItems, 'closed' | 'ended'>,
): Promise<{ staying: readonly Delivery[]; errors: Error[] }> {
  const closings = await Promise.allSettled(closed.map((block) => ledger.recordEnds(block, {})));
  const errors = closings
    .filter((closing) => closing.status === 'rejected')
    .map((closing): Error => closing.reason as Error);
  return { staying: errors.length > 0 ? ended : [], errors };
}
