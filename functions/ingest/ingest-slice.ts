// Sends the rows of one slice to upload, and requests a further invocation for those that there is no time for.

import type { LiveJob } from '../../shared/job/job.ts';
import type { SliceRequest } from '../../shared/queue/ingest-request.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { IngestDependencies } from './dependencies.ts';
import { sendSlice } from './send-slice.ts';

/** Less than the time after which sweep takes a slice that does not move for lost (replayBusySeconds: 10 minutes at least). */
const TOUCH_EVERY_MS = 5 * 60_000;

export async function ingestSlice(
  dependencies: IngestDependencies & { requestSlice: SliceRequest },
  job: LiveJob,
  number: number,
  deadlineMs: number,
): Promise<void> {
  const { ledger, requestSlice, clock, telemetry } = dependencies;
  const { logger, count } = telemetry;
  const id = { job: job.id, slice: number };
  const slice = await ledger.getSlice(id);
  if (slice === undefined) throw new Error(`slice ${id.job}/${id.slice} has no row in the ledger`);

  const {
    end,
    accepted,
    rejected,
    fault,
    heldMs = 0,
  } = await sendSlice(dependencies, job, slice, deadlineMs);
  count({ RowsAccepted: accepted, RowsRejected: rejected, SlicesIngested: end === 'sent' ? 1 : 0 });
  if (end === 'sent') await ledger.closeSlice(id);
  if (end === 'out of time') await requestSlice(id);
  if (end === 'held') {
    if (clock.now() - slice.movedAtMs >= TOUCH_EVERY_MS) await ledger.touchSlice(id);
    await requestSlice(id, Math.ceil(heldMs / 1000));
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
