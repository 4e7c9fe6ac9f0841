// Watches how many rows of a slice are rejected while it is sent, so that a job of bad rows stops within seconds: sweep, which
// judges every job by all of its slices, comes once a minute, and by then tens of megabytes of rejected rows may be written.
//
// A slice alone tells too little: a bad stretch of a large manifest is no bad manifest. So where this slice is above the
// threshold, the job's other slices are read; on the way to that nothing is written, and of a good slice nothing is read.
import type { Block } from '../../shared/blocks/read-blocks.ts';
import { tooManyRejected } from '../../shared/job/failure-thresholds.ts';
import { type JobFault, type LiveJob, mayTransfer, type RowIntake } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { addIntake } from '../../shared/ledger/progress.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';

/** Slices that one look reads: their rows are some kilobytes each. */
const MAX_SLICES_READ = 100;
/**
 * Blocks of a slice that are read before its job is judged by several slices, and rows at most: twice what the others read
 * before they note it (send-slice.ts). They count as unread before.
 */
const BLOCKS_BEFORE_LOOK = 32;
const ROWS_BEFORE_LOOK = 16_000;

export function watchRejects(
  { ledger }: { ledger: Pick<Ledger, 'getJob' | 'getSlices'> },
  { id, options, blockRows, manifest }: LiveJob,
  { slice, rows, place }: Pick<SliceRow, 'slice' | 'rows' | 'place'>,
) {
  // While the manifest is still being cut, the count of slices is not known.
  const isWhole = slice === 0 && place.kind === 'manifest-bytes' && place.endOffset >= manifest.sizeBytes;
  let intake: RowIntake = { read: 0, rejected: 0 };
  const enoughRows = Math.max(
    options.maxFailedAfterRows,
    Math.min(rows, BLOCKS_BEFORE_LOOK * blockRows, ROWS_BEFORE_LOOK),
  );
  /** Rows of this slice at which the job is looked at next. */
  let lookAt = options.maxFailedAfterRows;

  async function look(own: RowIntake): Promise<JobFault | undefined> {
    const job = await ledger.getJob(id);
    if (job === undefined || !mayTransfer(job)) return undefined;
    if (isWhole || (job.state === 'running' && job.slices === 1)) return tooManyRejected(options, own);
    if (own.read < enoughRows) {
      lookAt = enoughRows;
      return undefined;
    }
    return tooManyRejected(options, addIntake(own, await intakeOfOthers(job, own)));
  }

  async function intakeOfOthers(job: LiveJob, own: RowIntake): Promise<RowIntake> {
    const known = Math.max(job.plan.slices, slice + 1);
    if (known > MAX_SLICES_READ && job.progress?.intake !== undefined) {
      // Sweep has summed what this slice noted before, in an earlier delivery as well: those rows are in `own` again.
      const [noted] = await ledger.getSlices(id, slice, slice + 1);
      const { read, rejected } = job.progress.intake;
      const counted = addIntake(undefined, noted?.intake);
      return {
        read: read - Math.min(counted.read, own.read),
        rejected: rejected - Math.min(counted.rejected, own.rejected),
      };
    }
    // In the first minute of a large job, those before this one: slices are read about in their order.
    const from = known > MAX_SLICES_READ ? Math.max(0, slice - MAX_SLICES_READ) : 0;
    const others = await ledger.getSlices(id, from, Math.min(known, from + MAX_SLICES_READ));
    return others
      .filter((other) => other.slice !== slice)
      .reduce((sum, other) => addIntake(sum, other.intake), { read: 0, rejected: 0 });
  }

  return {
    /** Rows read so far. */
    get intake(): RowIntake {
      return intake;
    },
    /** @returns why the job is to be stopped, where this block makes it so */
    async see({ size, accepted }: Pick<Block, 'size' | 'accepted'>): Promise<JobFault | undefined> {
      intake = addIntake(intake, { read: size, rejected: size - accepted.length });
      if (intake.read < lookAt || tooManyRejected(options, intake) === undefined) return undefined;
      // Looked at again at twice as many rows: a slice has few looks, however bad it is.
      lookAt = intake.read * 2;
      return look(intake);
    },
  };
}
