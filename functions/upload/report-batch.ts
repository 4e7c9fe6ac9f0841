// Reports a batch: its metrics, and its one line in the log.
import type { PacingGroup } from '../../shared/pacing/adaptive-pacer.ts';
import { addCounts, untriedReposts } from '../../shared/queue/give-back.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { MetricName, Telemetry } from '../runtime/telemetry.ts';
import type { FoundItems } from './look-up.ts';
import type { Work, WorkResult } from './process-items.ts';
import type { RequestSummary, ThrottleCause } from './request-log.ts';

/** Codes of failed rows that a log line names. */
const MAX_CODES_LOGGED = 5;

const METRIC_OF_CAUSE: Readonly<Record<ThrottleCause, MetricName>> = {
  partition: 'ThrottledByPartition',
  kms: 'ThrottledByKms',
  object: 'ThrottledByObject',
  account: 'ThrottledByAccount',
  source: 'ThrottledBySource',
};

export interface Batch {
  messages: number;
  found: FoundItems;
  unreadable: readonly { reason: string }[];
  works: readonly Work[];
  requests: RequestSummary;
  errors: readonly Error[];
}

export interface ReportDependencies {
  telemetry: Telemetry;
  /** Requests a second that a group may send now. */
  paceOf(group: PacingGroup): number;
}

export function reportBatch(
  { telemetry: { logger, count }, paceOf }: ReportDependencies,
  { messages, found, unreadable, works, requests, errors }: Batch,
): void {
  const results = works.flatMap((work) => work.results);
  const sum = (value: (result: WorkResult) => number) =>
    results.reduce((total, result) => total + value(result), 0);
  // A row that could not be accounted for ends again in its next delivery: then it counts.
  const ends = (kind: string) =>
    sum(({ report: { end }, isAccounted }) => (isAccounted && end.kind === kind ? 1 : 0));
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
    BytesStored: sum(({ item, report: { end }, isAccounted }) =>
      isAccounted && end.kind === 'stored' ? (end.object.bytes ?? item.delivery.message.item.size ?? 0) : 0,
    ),
  };
  // By the first of them, alarms distinguish a standstill from an idle stack, so it is written even if it is 0.
  const { ObjectsStored, ...others } = counts;
  count({
    ObjectsStored,
    ...occurred(others),
    ...throttleCounts(requests),
    RequestMs: requests.latenciesMs.map(Math.round),
    Pace: requests.groups.map((group) => Math.round(paceOf(group) * 10) / 10),
  });
  const failures = failureCodes(results);
  const line = {
    jobs: [...new Set(results.map(({ item }) => item.job.id))],
    slices: [...new Set(results.map(({ item }) => item.delivery.message.slice))],
    messages,
    ObjectsStored,
    ...occurred({
      endedBefore: found.ended.length,
      cancelled: sum(({ fate }) => (fate.kind === 'row' && fate.row.outcome.status === 'cancelled' ? 1 : 0)),
      dropped: sum(({ fate }) => (fate.kind === 'drop' ? 1 : 0)),
      ...others,
    }),
    // A healthy batch has neither: its line stays short.
    ...(requests.throttledPrefixes.length === 0 ? {} : { throttledPrefixes: requests.throttledPrefixes }),
    ...(failures.length === 0 ? {} : { failures }),
  };
  const faults = [
    ...[...errors, ...works.flatMap((work) => work.errors)].map((error) => `${error.name}: ${error.message}`),
    ...unreadable.map(({ reason }) => `unreadable message: ${reason}`),
    ...new Set(found.unplaced.map(({ reason }) => reason)),
  ];
  if (faults.length === 0) logger.info(LOG.batchUploaded, line);
  else logger.error(LOG.batchUploadedWithFaults, { ...line, faults });
}

/** What did not occur is neither logged nor counted, so that it costs nothing. */
function occurred<Name extends string>(
  counts: Readonly<Record<Name, number>>,
): Partial<Record<Name, number>> {
  const some = (Object.entries(counts) as [Name, number][]).filter(([, times]) => times > 0);
  return Object.fromEntries(some) as Partial<Record<Name, number>>;
}

function throttleCounts({ throttledBy }: RequestSummary): Partial<Record<MetricName, number>> {
  const causes = Object.entries(occurred(throttledBy)) as [ThrottleCause, number][];
  return Object.fromEntries(causes.map(([cause, times]) => [METRIC_OF_CAUSE[cause], times]));
}

/** Why rows failed, the most frequent codes first. */
function failureCodes(results: readonly WorkResult[]): { code: string; times: number }[] {
  const codes = results.flatMap(({ report: { end }, isAccounted }) =>
    isAccounted && end.kind === 'failed' ? [end.code] : [],
  );
  return [...Map.groupBy(codes, (code) => code)]
    .map(([code, { length: times }]) => ({ code, times }))
    .toSorted((left, right) => right.times - left.times)
    .slice(0, MAX_CODES_LOGGED);
}
