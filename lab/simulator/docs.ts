// Makes the tables and charts of docs/scale.md. All runs are seeded: the same code makes the same files.
import type { LineSeries } from '../charts/chart-parts.ts';
import { lineChart, panelChart } from '../charts/charts.ts';
import { markdownTable, type Table } from '../charts/page.ts';
import { ACCEPTED, REFUSED } from '../charts/theme.ts';
import { simulateFleet } from './fleet.ts';
import { FLEET_DEFAULTS, type FleetOptions, type FleetRun } from './fleet-options.ts';
import { type FleetMeasures, measureFleet, throttledShareBetween } from './measures.ts';
import { SCENARIOS } from './scenarios.ts';

const FLEETS = [1, 10, 100, 1_000];
const SEEDS = [1, 2, 3];
const PARTITIONS = 16;
/** After the limit has halved: the seconds that the goal gives the fleet, and the seconds that are measured then. */
const RECOVERY_SECONDS = 5;
const MEASURED_SECONDS = 10;

/** The texts of all files by their names. */
export function scaleRunFiles(say: (line: string) => void): Record<string, string> {
  return {
    'scenarios.svg': drawScenarios(say),
    'groups.svg': drawGroups(say),
    'crowds.md': markdownTable(crowdsTable(say)),
    'billion.md': markdownTable(billionTable(say)),
    'goals.md': markdownTable(goalsTable(say)),
  };
}

function goalsTable(say: (line: string) => void): Table {
  const rows = FLEETS.flatMap((workers) =>
    SEEDS.map((seed) => {
      const options = fleet({ workers, seed });
      const steady = measureFleet(options, simulateFleet(options));
      const halved = runScenario('half-limit', { workers, seed, seconds: 60 });
      const recoveredAt = (halved.options.limitChanges[0]?.atSecond ?? 0) + RECOVERY_SECONDS;
      const after = throttledShareBetween(halved.run, recoveredAt, recoveredAt + MEASURED_SECONDS);
      say(`${workers} workers, seed ${seed}: goodput ${steady.goodput.toFixed(3)}`);
      return goalsRow(steady, seed, after);
    }),
  );
  return {
    head: [
      'workers',
      'seed',
      'goodput',
      'throttled',
      '90% after',
      'fairness',
      'throttled, 5 s after halving',
    ],
    rows,
  };
}

function goalsRow(measures: FleetMeasures, seed: number, afterHalving: number): string[] {
  return [
    String(measures.workers),
    String(seed),
    measures.goodput.toFixed(3),
    percent(measures.throttledShare),
    measures.secondsToNinetyPercent === null ? 'never' : `${measures.secondsToNinetyPercent} s`,
    measures.fairness.toFixed(3),
    percent(afterHalving),
  ];
}

/** Workers for each partition of 3,500 a second. In batches of 100 one worker sends about 530 a second. */
const WORKERS_PER_PARTITION = 7;
const BILLION = 1e9;
/** US dollars, us-east-1 (aws.amazon.com/lambda/pricing, aws.amazon.com/s3/pricing, September 2026). The function has 1 GB. */
const LAMBDA_GB_SECOND_USD = 0.0000133334;
const LAMBDA_REQUEST_USD = 0.2 / 1e6;
const PUT_USD = 5 / 1e6;
const BATCH_ITEMS = 100;

/** Time and cost of a billion objects, by the number of S3's partitions. */
function billionTable(say: (line: string) => void): Table {
  const rows = [1, 4, 16, 64].map((partitions) => {
    const workers = partitions * WORKERS_PER_PARTITION;
    const { options, run } = runScenario('batches', { partitions, workers, seconds: 40 });
    const { objectsPerSecond, throttledShare } = measureFleet(options, run);
    const hours = BILLION / objectsPerSecond / 3600;
    const lambdaUsd =
      hours * 3600 * workers * LAMBDA_GB_SECOND_USD + (BILLION / BATCH_ITEMS) * LAMBDA_REQUEST_USD;
    say(`${partitions} partitions: ${objectsPerSecond.toFixed(0)} objects a second`);
    return [
      String(partitions),
      String(workers),
      Math.round(objectsPerSecond).toLocaleString('en-US'),
      percent(throttledShare),
      hours.toFixed(1),
      `$${lambdaUsd.toFixed(0)}`,
      `$${((BILLION * PUT_USD) / (1 - throttledShare)).toFixed(0)}`,
    ];
  });
  return {
    head: [
      'partitions',
      'workers',
      'objects/s',
      'throttled',
      'hours',
      'Lambda',
      'PUTs, if refused ones cost too',
    ],
    rows,
  };
}

/** Many workers on one partition: the cost of more workers than are needed. */
function crowdsTable(say: (line: string) => void): Table {
  const rows = [7, 30, 100, 300, 1_000].map((workers) => {
    const options = fleet({ workers, partitions: 1 });
    const measures = measureFleet(options, simulateFleet(options));
    say(`${workers} workers on one partition: ${percent(measures.throttledShare)} throttled`);
    return [
      String(workers),
      measures.goodput.toFixed(3),
      percent(measures.throttledShare),
      measures.fairness.toFixed(3),
      measures.givenBackPerObject.toFixed(2),
    ];
  });
  return { head: ['workers', 'goodput', 'throttled', 'fairness', 'given back per object'], rows };
}

const DRAWN = ['cold-starts', 'half-limit', 'outage', 'weak-partition', 'splits', 'batches'];

function drawScenarios(say: (line: string) => void): string {
  const panels = DRAWN.map((name) => {
    const { run, options } = runScenario(name, { workers: 40 });
    say(`scenario ${name}: goodput ${measureFleet(options, run).goodput.toFixed(3)}`);
    return { title: name, series: seriesOf(run) };
  });
  return panelChart({
    title: 'What happens to a fleet of 40 workers on 16 partitions',
    subtitle: 'writes a second over two minutes, in thousands; S3 allows 3,500 a partition',
    xTitle: 'seconds',
    yTitle: 'thousand a second',
    panels,
  });
}

function drawGroups(say: (line: string) => void): string {
  const series = [true, false].flatMap((refines): LineSeries[] => {
    const { run, options } = runScenario('outage', { workers: 40, refines });
    say(
      `outage, ${refines ? 'finer groups' : 'one group'}: ${measureFleet(options, run).goodput.toFixed(3)}`,
    );
    const name = refines ? 'a failing stretch paced alone' : 'the bucket as one group';
    return [{ name, points: perSecond(run.accepted) }];
  });
  return lineChart({
    title: 'One partition of 16 refuses everything, from 30 s to 60 s',
    subtitle: '40 workers; writes that S3 took',
    xTitle: 'seconds',
    yTitle: 'thousand a second',
    series,
  });
}

export function seriesOf(run: FleetRun): LineSeries[] {
  return [
    { name: 'allowed', points: perSecond(run.allowedPerSecond), dashed: true, stepped: true },
    { name: 'taken', points: perSecond(run.accepted), colour: ACCEPTED },
    { name: 'refused', points: perSecond(run.throttled), colour: REFUSED },
  ];
}

function perSecond(values: readonly number[]): [number, number][] {
  return values.map((value, second) => [second, value / 1000]);
}

function fleet(change: Partial<FleetOptions>): FleetOptions {
  return { ...FLEET_DEFAULTS, workers: 1, partitions: PARTITIONS, seed: 1, ...change };
}

function runScenario(name: string, change: Partial<FleetOptions>): { options: FleetOptions; run: FleetRun } {
  const options = fleet(change);
  const scenario = SCENARIOS.find((each) => each.name === name);
  const changed = { ...options, ...scenario?.change(options) };
  return { options: changed, run: simulateFleet(changed) };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
