// Logs the end of each job, and counts what an alarm watches of it, in whichever function it ends: settle, ingest, or the handler
// of dead letters. The ledger ends a job once, so a redelivery counts nothing.
import { type EndedJob, unaccountedRows } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { LOG } from './log-messages.ts';
import type { Telemetry } from './telemetry.ts';

export function countedEnds<Ends extends Pick<Ledger, 'endJob'>>(ledger: Ends, telemetry: Telemetry): Ends {
  return {
    ...ledger,
    async endJob(id, end) {
      const ended = await ledger.endJob(id, end);
      if (ended !== undefined) countEnd(telemetry, ended);
      return ended;
    },
  };
}

function countEnd({ logger, count }: Telemetry, job: EndedJob): void {
  const unaccounted = unaccountedRows(job.totals);
  // Also where it is 0: an alarm is over with the next job whose rows are all accounted for.
  count({ RowsUnaccounted: unaccounted, ...(job.state === 'failed' ? { JobsFailed: 1 } : {}) });
  const line = { job: job.id, state: job.state, ...job.totals, unaccounted, report: job.report };
  if (unaccounted === 0) logger.info(LOG.jobEnded, line);
  else logger.error(LOG.jobEndedUnaccounted, line);
}
