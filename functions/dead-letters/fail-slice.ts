// Fails the rows of a slice that can't be ingested, so that its blocks close and its job can end. Every row is accounted for:
// with its columns while the manifest can be read, else by its place alone.
import type { ObjectReader } from '../../shared/aws/object-range.ts';
import { readBestEffortBlocks } from '../../shared/blocks/best-effort-blocks.ts';
import { openBlock } from '../../shared/blocks/read-blocks.ts';
import type { SliceId } from '../../shared/job/identity.ts';
import type { OpenedJob } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { hasEnded, isCovered } from '../../shared/ledger/tally.ts';
import { accountFor, type EndedRow } from '../../shared/report/account.ts';
import type { OutcomeStore } from '../../shared/report/outcome-store.ts';

export interface FailSliceDependencies {
  reader: ObjectReader;
  ledger: Ledger;
  outcomes: OutcomeStore;
}

/** @param why goes into each row's message */
export async function failSlice(
  { reader, ledger, outcomes }: FailSliceDependencies,
  job: OpenedJob,
  number: number,
  why: string,
  writer: string,
): Promise<void> {
  const id: SliceId = { job: job.id, slice: number };
  const slice = await ledger.getSlice(id);
  if (slice === undefined) throw new Error(`slice ${id.job}/${id.slice} has no row in the ledger`);
  if (isCovered(slice.closedBlocks, slice.blocks)) return ledger.closeSlice(id);

  for await (const block of readBestEffortBlocks(reader, job, slice)) {
    // Its messages are sent, so its items end by themselves; or an earlier, interrupted call has ended them.
    if (slice.sentBlocks.has(block.block) || slice.closedBlocks.has(block.block)) continue;
    const row = await openBlock({ ledger, outcomes }, id, { ...block, accepted: [] }, writer);
    const open = block.accepted.filter((accepted) => !hasEnded(row, accepted.number));
    const rows = open.map(
      ({ number: rowNumber, line, item }): EndedRow => ({
        id: { ...id, block: block.block, number: rowNumber },
        outcome: {
          status: 'failed',
          line,
          code: 'IngestFailed',
          message: why + block.fault,
          ...(item === undefined ? {} : { item }),
        },
      }),
    );
    const { errors } = await accountFor({ outcomes, ledger }, rows, `${writer}-${block.block}`);
    if (errors[0] !== undefined) throw errors[0];
  }
  await ledger.closeSlice(id);
}
