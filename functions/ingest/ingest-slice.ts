// Sends the rows of one slice to upload, and requests a further invocation for those that there is no time for.

import type { LiveJob } from '../../shared/job/job.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import type { SliceRequest } from '../../shared/queue/ingest-request.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { IngestDependencies } from './dependencies.ts';
import { type SentBlock, type SliceSending, sendSlice } from './send-slice.ts';

/**
 * A slice that is held requests itself, each time with a higher number, which is kept in its row. A message of a lower number
 * is dropped. So of several chains of requests one is left, where SQS delivered one twice or a resume began another. The request
 * is sent before its number is kept: the message of the number in the row, or a higher one, is always on its way.
 */
export async function ingestSlice(
  dependencies: IngestDependencies & { requestSlice: SliceRequest },
  job: LiveJob,
  { slice: number, ask }: { slice: number; ask?: number | undefined },
  deadlineMs: number,
): Promise<void> {
  const { ledger, requestSlice, telemetry } = dependencies;
  const { logger, count } = telemetry;
  const id = { job: job.id, slice: number };
  const slice = await ledger.getSlice(id);
  if (slice === undefined) throw new Error(`slice ${id.job}/${id.slice} has no row in the ledger`);
  const { asks } = slice;
  if (ask !== undefined && ask < (asks ?? 0)) {
    logger.info(LOG.sliceAskedAgain, { ...id, ask, asks });
    return;
  }

  const {
    end,
    accepted,
    rejected,
    fault,
    heldMs = 0,
  } = await sendAndCount(dependencies, job, slice, deadlineMs);
  count({ SlicesIngested: end === 'sent' ? 1 : 0 });
  if (end === 'sent') await ledger.closeSlice(id);
  if (end === 'out of time') await requestSlice({ ...id, ...(ask === undefined ? {} : { ask }) });
  if (end === 'held') {
    const next = Math.max(ask ?? 0, asks ?? 0) + 1;
    await requestSlice({ ...id, ask: next }, Math.ceil(heldMs / 1000));
    await ledger.recordAsk(id, asks, next);
  }
  if (fault !== undefined) logger.error(LOG.jobStopped, { ...id, control: 'cancelling', fault });
  logger.info(LOG.sliceIngested, {
    ...id,
    rows: slice.rows,
    replays: slice.replays,
    end,
    accepted,
    rejected,
  });
}

/** Counts each row once, in the call that opened its block first; a slice that fails half-way is counted as far as it was sent. */
async function sendAndCount(
  dependencies: IngestDependencies,
  job: LiveJob,
  slice: SliceRow,
  deadlineMs: number,
): Promise<SliceSending> {
  const sums = { RowsAccepted: 0, RowsRejected: 0, RowsSentAgain: 0 };
  const onBlock = ({ accepted, rejected, wasOpened }: SentBlock) => {
    sums.RowsAccepted += wasOpened ? 0 : accepted;
    sums.RowsRejected += wasOpened ? 0 : rejected;
    sums.RowsSentAgain += wasOpened ? accepted : 0;
  };
  try {
    return await sendSlice({ ...dependencies, onBlock }, job, slice, deadlineMs);
  } finally {
    dependencies.telemetry.count(sums);
  }
}
