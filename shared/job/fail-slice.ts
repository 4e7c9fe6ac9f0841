// Fails the rows of a slice that can't be ingested, so that its blocks close and its job can end: every row is accounted for,
// with its own columns where the manifest can still be read, and by its place alone where it can't.
import type { ObjectReader } from '../aws/object-range.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { hasEnded, isCovered } from '../ledger/tally.ts';
import { accountFor, type EndedRow } from '../report/account.ts';
import type { OutcomeFiles } from '../report/outcome-files.ts';
import { readBestEffortBlocks } from './best-effort-blocks.ts';
import { openBlock } from './blocks.ts';
import type { SliceId } from './identity.ts';
import type { Job } from './job.ts';

export interface FailSliceDependencies {
  reader: ObjectReader;
  ledger: Ledger;
  outcomes: OutcomeFiles;
}

/** @param why goes into each row's message */
export async function failSlice(
  { reader, ledger, outcomes }: FailSliceDependencies,
  job: Job,
  number: number,
  why: string,
  writer: string,
): Promise<void> {
  const id: SliceId = { job: job.id, slice: number };
  const slice = await ledger.getSlice(id);
  if (slice === undefined) throw new Error(`slice ${id.job}/${id.slice} has no row in the ledger`);
  if (isCovered(slice.closedBlocks, slice.blocks)) return ledger.closeSlice(id);

  for await (const block of readBestEffortBlocks(reader, job, slice)) {
    // Its messages are out, and its items end by themselves; or they have ended, by an earlier call that was cut short.
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
