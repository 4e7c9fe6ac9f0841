// spillway simulate: a fleet of workers against S3's partitions in virtual time, on the production pacer.
import { type Command, Option } from 'commander';
import type { FleetOptions, FleetRun } from '../../lab/simulator/fleet-options.ts';
import { numberUpTo, positiveInteger, positiveNumber } from '../arguments.ts';
import { usageFailure } from '../failure.ts';
import { writeFiles } from '../files.ts';
import { terminal } from '../terminal/terminal.ts';
import { line, ownLines, padEnd } from '../terminal/text.ts';

const MOST_WORKERS = 1_000;
const MOST_PARTITIONS = 4_096;

interface SimulateOptions {
  workers: number;
  partitions: number;
  workerRate: number;
  limit: number;
  burst: number;
  seconds: number;
  seed: number;
  scenario: string;
  out?: string;
  docs?: string;
  json?: true;
}

export function addSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description("simulate a fleet against S3's limits in virtual time: same seed, same run")
    .option(
      '--workers <n>',
      `workers that know nothing of each other, 1 to ${MOST_WORKERS}`,
      numberUpTo(MOST_WORKERS),
      10,
    )
    .option(
      '--partitions <n>',
      `partitions of the key space, 1 to ${MOST_PARTITIONS}`,
      numberUpTo(MOST_PARTITIONS),
      16,
    )
    .option('--worker-rate <n>', 'requests a second that one worker can send', positiveNumber, 2_000)
    .option('--limit <n>', 'writes a second of one partition', positiveNumber, 3_500)
    .option('--burst <seconds>', 'seconds of writes that a partition saves up', positiveNumber, 1)
    .option('--seconds <n>', 'length of the run', positiveInteger, 120)
    .option('--seed <n>', 'the seed of all chance in the run', positiveInteger, 1)
    .option('--scenario <name>', 'what happens to the fleet; "list" prints them', 'steady')
    .option('--out <dir>', 'write the log of each second and a chart there')
    .addOption(
      new Option('--docs <dir>', 'run all that docs/scale.md shows, and write its charts').hideHelp(),
    )
    .option('--json', 'print the measures, last, as one object')
    .addHelpText('after', '\nExample:\n  $ spillway simulate --workers 1000 --scenario half-limit')
    .action(async (given: SimulateOptions) => {
      if (given.docs !== undefined) {
        const { scaleRunFiles } = await import('../../lab/simulator/docs.ts');
        const contents = scaleRunFiles((told) => terminal.err(line`${told}`));
        const { files, failure } = await writeFiles(given.docs, contents, 'name another folder with --docs');
        for (const file of files) terminal.out(line`${file}`);
        if (failure !== undefined) throw failure;
        return;
      }
      // The simulator and the charts are loaded for this command alone.
      const { SCENARIOS } = await import('../../lab/simulator/scenarios.ts');
      if (given.scenario === 'list') {
        for (const { name, says } of SCENARIOS) terminal.out(line`${padEnd(name, 17)}${says}`);
        return;
      }
      const scenario = SCENARIOS.find(({ name }) => name === given.scenario);
      if (scenario === undefined) {
        const names = SCENARIOS.map(({ name }) => name).join(', ');
        throw usageFailure(`There is no scenario "${given.scenario}": there are ${names}.`);
      }
      await simulate(given, (options) => ({ ...options, ...scenario.change(options) }));
    });
}

async function simulate(given: SimulateOptions, disturb: (options: FleetOptions) => FleetOptions) {
  const { FLEET_DEFAULTS } = await import('../../lab/simulator/fleet-options.ts');
  const { simulateFleet } = await import('../../lab/simulator/fleet.ts');
  const { measureFleet } = await import('../../lab/simulator/measures.ts');
  const { measuresText } = await import('../../lab/simulator/report.ts');
  const options = disturb({
    ...FLEET_DEFAULTS,
    workers: given.workers,
    partitions: given.partitions,
    workerRatePerSecond: given.workerRate,
    limitPerSecond: given.limit,
    burstSeconds: given.burst,
    seconds: given.seconds,
    seed: given.seed,
  });
  const run = simulateFleet(options);
  const measures = measureFleet(options, run);
  const failure = given.out === undefined ? undefined : await writeRun(given.out, given, run);
  if (given.json) terminal.json(measures);
  else terminal.out(ownLines(measuresText(measures)));
  if (failure !== undefined) throw failure;
}

/** @returns why a file is missing: the measures are printed all the same */
async function writeRun(
  folder: string,
  { workers, partitions, scenario, seed }: SimulateOptions,
  run: FleetRun,
) {
  const { lineChart } = await import('../../lab/charts/charts.ts');
  const { seriesOf } = await import('../../lab/simulator/docs.ts');
  const { runLog } = await import('../../lab/simulator/report.ts');
  const chart = lineChart({
    title: `${workers} workers on ${partitions} partitions: ${scenario}`,
    subtitle: `seed ${seed}`,
    xTitle: 'seconds',
    yTitle: 'thousand writes a second',
    series: seriesOf(run),
  });
  const contents = { 'seconds.ndjson': runLog(run), 'run.svg': chart };
  return (await writeFiles(folder, contents, 'name another folder with --out')).failure;
}
