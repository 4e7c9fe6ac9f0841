// The order and the turns of a batch's items, by their jobs. Jobs share a worker: a small one must not wait behind a large one.

import { rateOf } from '../../shared/job/frozen-options.ts';
import type { JobId } from '../../shared/job/identity.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { isBounded, type JobRate } from '../../shared/pacing/job-rate.ts';
import { knownBytesOf } from '../../shared/sources/known-bytes.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { TransferItem } from '../../shared/transfer/engine.ts';
import { createJobTurns, type JobTurns, type TurnSchedule } from '../../shared/transfer/job-turns.ts';
import type { OpenItem } from './look-up.ts';
import type { JobWatch } from './watch-jobs.ts';

export type JobTurnLedger = Pick<Ledger, 'reserveTurns' | 'bookReturns' | 'chargeBytes' | 'meanBytes'>;

/** The jobs with the fewest items in the batch first: their few items take the first turns of their bucket. */
export function inFairOrder(open: readonly OpenItem[]): OpenItem[] {
  const ofJobs = Map.groupBy(open, ({ job }) => job.id);
  const sizeOf = ({ job }: OpenItem) => ofJobs.get(job.id)?.length ?? 0;
  return open.toSorted((left, right) => sizeOf(left) - sizeOf(right));
}

/** @param open the items of the batch, in the order in which they are transferred */
export function createJobRates(
  { ledger, clock }: { ledger: JobTurnLedger; clock: Clock },
  open: readonly OpenItem[],
  watch: Pick<JobWatch, 'jobOf'>,
  stopAtMs: number,
) {
  const turns = new Map<JobId, JobTurns>();
  for (const [id, items] of Map.groupBy(open, ({ job }) => job.id)) {
    const rateNow = (): JobRate => rateOf(watch.jobOf(id)?.options ?? (items[0] as OpenItem).job.options);
    // Read once more while the batch is in hand: a job that gets its rate just now is held from its next batch on.
    if (!isBounded(rateNow())) continue;
    const bytes = items.map(({ delivery }) => knownBytesOf(delivery.message.item));
    const schedule = scheduleOf(ledger, id);
    turns.set(id, createJobTurns({ schedule, clock }, { bytes, rateNow, stopAtMs }));
  }
  return {
    /** The limits of the item's transfer, if its job has a rate of its own. */
    turnsOf({ delivery, job }: OpenItem): Pick<TransferItem, 'turns' | 'isUnsized'> {
      const own = turns.get(job.id);
      if (own === undefined) return {};
      return { turns: own, isUnsized: knownBytesOf(delivery.message.item) === undefined };
    },
    /** @returns the errors of the ledger, after which items were given back */
    async end(): Promise<Error[]> {
      const errors = await Promise.all([...turns.values()].map((own) => own.end()));
      return errors.flat();
    },
  };
}

function scheduleOf(ledger: JobTurnLedger, job: JobId): TurnSchedule {
  return {
    reserveTurns: (...asked) => ledger.reserveTurns(job, ...asked),
    bookReturns: (costs) => ledger.bookReturns(job, costs),
    chargeBytes: (rate, charge) => ledger.chargeBytes(job, rate, charge),
    meanBytes: () => ledger.meanBytes(job),
  };
}
