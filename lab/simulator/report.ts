// Reports a simulated run: a table for people, and a log with one line for each virtual second.
import type { FleetRun } from './fleet-options.ts';
import type { FleetMeasures } from './measures.ts';

export function measuresText(measures: FleetMeasures): string {
  const seconds = measures.secondsToNinetyPercent;
  const rows: [string, string][] = [
    ['workers', String(measures.workers)],
    ['partitions', String(measures.partitions)],
    ['limit of all', `${measures.limitPerSecond} a second`],
    ['goodput', percent(measures.goodput)],
    ['throttled', percent(measures.throttledShare)],
    ['90% after', seconds === null ? 'never' : `${seconds} s`],
    ['fairness', measures.fairness.toFixed(3)],
    ['given back', `${measures.givenBackPerObject.toFixed(2)} per object`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(14)}${value}`).join('\n');
}

/** One line for each virtual second, the same for the same seed. */
export function runLog(run: FleetRun): string {
  const lines = run.accepted.map((accepted, second) =>
    JSON.stringify({
      second,
      accepted,
      throttled: run.throttled[second],
      givenBack: run.givenBack[second],
      partitions: run.partitions[second],
      allowedPerSecond: run.allowedPerSecond[second],
    }),
  );
  return `${lines.join('\n')}\n`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
