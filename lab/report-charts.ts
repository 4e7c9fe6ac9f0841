// The charts of what the lab found.
import { barChart, lineChart, panelChart } from './charts/charts.ts';
import { ACCEPTED, REFUSED } from './charts/theme.ts';
import type { LabResult } from './lab.ts';
import { HERD_SIZES, HERD_STEPS, type HerdResult, runHerd } from './models/herd.ts';
import { LOAD_IN_LIMITS, runSplits } from './models/splits.ts';

/** The herd is the same in every run. */
const HERD_SEED = 1;

/** By the names of their files. */
export type LabCharts = ReturnType<typeof drawCharts>;

export function drawCharts(result: LabResult) {
  const { strategies, limitPerSecond, objects, partitions } = result;
  const names = strategies.map(({ name }) => name);
  const setting = `${whole(objects)} objects, ${result.workers} workers, ${whole(limitPerSecond)} writes a second and partition`;
  return {
    'requests.svg': panelChart({
      title: 'Requests that S3 took and refused, by second',
      subtitle: `${setting}; the line is the limit of one partition, and of ${partitions} in the last panel`,
      xTitle: 'seconds since the first request',
      yTitle: 'requests a second',
      panels: strategies.map(({ name, perSecond, partitionsMet }) => ({
        title: name,
        levels: [{ name: '', y: limitPerSecond * Math.max(1, partitionsMet) }],
        series: [
          { name: 'accepted', colour: ACCEPTED, points: steps(perSecond, ({ accepted }) => accepted) },
          {
            name: 'refused with SlowDown',
            colour: REFUSED,
            points: steps(perSecond, ({ refused }) => refused),
          },
        ].map((series) => ({ ...series, filled: true, stepped: true, stack: name })),
      })),
    }),
    'time.svg': barChart({
      title: 'Time until the last object had its end',
      subtitle: `${setting}.\nShort is good only where nothing was lost`,
      xTitle: 'seconds',
      categories: names,
      series: [{ name: 'seconds', values: strategies.map(({ seconds }) => seconds), label: tenths }],
    }),
    'attempts.svg': barChart({
      title: 'Requests for each object stored',
      subtitle: `${setting}.\nOne is the least; each one more is a refusal, paid for in time and load`,
      xTitle: 'requests per object stored',
      categories: names,
      series: [
        {
          name: 'requests',
          values: strategies.map(({ attemptsPerObject }) => attemptsPerObject),
          label: (value) => value.toFixed(2),
        },
      ],
    }),
    'stored.svg': barChart({
      title: 'Objects stored and lost',
      subtitle: setting,
      xTitle: 'objects',
      categories: names,
      series: [
        { name: 'stored', colour: ACCEPTED, stack: 'all', values: strategies.map(({ stored }) => stored) },
        {
          name: 'lost',
          colour: REFUSED,
          stack: 'all',
          values: strategies.map(({ lost }) => lost),
          label: (lost) => (lost === 0 ? '' : `${whole(lost)} lost`),
        },
      ],
    }),
    ...drawHerd(),
    'splits.svg': drawSplits(),
  };
}

function drawHerd() {
  const herds = Object.entries(HERD_STEPS).map(([name, step]) => ({
    name,
    results: HERD_SIZES.map((clients) => ({ clients, ...runHerd(clients, step, HERD_SEED) })),
  }));
  const frame = {
    subtitle:
      'Simulated in virtual time: clients that wake together with one object each, at an S3 of 100 writes a second',
    xTitle: 'clients',
    xScale: 'log' as const,
    xMin: HERD_SIZES[0],
    xMax: HERD_SIZES.at(-1) ?? 0,
    height: 340,
  };
  const seriesOf = (value: (herd: HerdResult) => number) =>
    herds.map(({ name, results }) => ({
      name,
      dots: true,
      points: results.map((herd) => [herd.clients, value(herd)] as const),
    }));
  return {
    'jitter-requests.svg': lineChart({
      ...frame,
      title: 'Requests that a herd needs',
      yTitle: 'requests per object',
      series: seriesOf(({ requestsPerObject }) => requestsPerObject),
    }),
    'jitter-time.svg': lineChart({
      ...frame,
      title: 'Time that a herd needs',
      yTitle: 'seconds until the last is stored',
      series: seriesOf(({ seconds }) => seconds),
      yScale: 'log',
    }),
  };
}

function drawSplits(): string {
  return lineChart({
    title: 'What splits give',
    subtitle: `Simulated in virtual time: a load of ${LOAD_IN_LIMITS} partitions' limits, an S3 that splits a partition after 30 minutes`,
    xTitle: 'minutes',
    yTitle: "taken, in partitions' limits",
    xMax: 90,
    yMin: 0,
    yMax: LOAD_IN_LIMITS + 1,
    height: 340,
    levels: [{ name: 'the load', y: LOAD_IN_LIMITS }],
    series: [
      { name: 'hashed keys', points: runSplits({ kind: 'binary' }) },
      { name: 'keys in sequence', points: runSplits({ kind: 'off' }) },
    ],
  });
}

type Second = LabResult['strategies'][number]['perSecond'][number];

/** A second's count stands from its beginning to its end. */
function steps(seconds: readonly Second[], count: (second: Second) => number): [number, number][] {
  const points = seconds.map((each): [number, number] => [each.second, count(each)]);
  const last = seconds.at(-1);
  return last === undefined ? points : [...points, [last.second + 1, count(last)]];
}

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Rounded, with thousands apart. */
export function whole(value: number): string {
  return GROUPED.format(value);
}

function tenths(value: number): string {
  return value.toFixed(1);
}
