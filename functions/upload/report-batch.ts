// Reports a batch: its metrics, and its one line in the log.
import { addCounts, untriedReposts } from '../../shared/queue/give-back.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import type { FoundItems } from './look-up.ts';
import type { Work, WorkResult } from './process-items.ts';

export interface Batch {
  messages: number;
  found: FoundItems;
  unreadable: readonly { reason: string }[];
  works: readonly Work[];
  errors: readonly Error[];
}

export function reportBatch(
  { logger, count }: Telemetry,
  { messages, found, unreadable, works, errors }: Batch,
): void {
  const results = works.flatMap((work) => work.results);
  const sum = (value: (result: WorkResult) => number) =>
    results.reduce((total, result) => total + value(result), 0);
  const ends = (kind: string) => sum(({ report: { end } }) => (end.kind === kind ? 1 : 0));
  const { refused, untried } = works.map(({ givenBack }) => givenBack).reduce(addCounts, untriedReposts(0));
  const counts = {
    ObjectsStored: ends('stored'),
    ObjectsSkipped: ends('skipped'),
    ObjectsFailed: ends('failed'),
    Attempts: sum((result) => result.report.attempts),
    Throttled: sum((result) => result.report.throttled),
    TransientFaults: sum((result) => result.report.transient),
    LateOutcomes: works.reduce((total, { late }) => total + late, 0),
    RefusedReturned: refused.returned,
    RefusedReposted: refused.reposted,
    UntriedReturned: untried.returned,
    UntriedReposted: untried.reposted,
    BytesStored: sum(({ item, report: { end } }) =>
      end.kind === 'stored' ? (end.object.bytes ?? item.delivery.message.item.size ?? 0) : 0,
    ),
  };
  count(counts);
  const line = {
    jobs: [...new Set(results.map(({ item }) => item.job.id))],
    slices: [...new Set(results.map(({ item }) => item.delivery.message.slice))],
    messages,
    endedBefore: found.ended.length,
    cancelled: sum(({ fate }) => (fate.kind === 'row' && fate.row.outcome.status === 'cancelled' ? 1 : 0)),
    dropped: sum(({ fate }) => (fate.kind === 'drop' ? 1 : 0)),
    ...counts,
  };
  const faults = [
    ...[...errors, ...works.flatMap((work) => work.errors)].map((error) => `${error.name}: ${error.message}`),
    ...unreadable.map(({ reason }) => `unreadable message: ${reason}`),
    ...new Set(found.unplaced.map(({ reason }) => reason)),
  ];
  if (faults.length === 0) logger.info(LOG.batchUploaded, line);
  else logger.error(LOG.batchUploadedWithFaults, { ...line, faults });
}
