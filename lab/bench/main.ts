// npm run bench -- WHAT: measurements of this project beside others, on this machine.
import { parseArgs } from 'node:util';
import { guardOutput } from '../output.ts';
import { runColdStartBench } from './coldstart.ts';
import { convertOne, runConvertBench } from './convert.ts';
import { runCostBench } from './cost.ts';
import { BENCH_FORMATS, type BenchFormat, isBenchFormat } from './ingest/formats.ts';
import { runIngestBench } from './ingest/run.ts';
import { runLedgerBench } from './ledger.ts';
import { runLimitBench } from './limit.ts';
import { runMillionBench } from './million/run.ts';
import { runPlanBench } from './plan.ts';

const USAGE = `npm run bench -- limit [--objects N] [--limit N] [--burst SECONDS] [--rounds N] [--only NAME,…] [--json]
npm run bench -- ledger [--rows N] [--json]
npm run bench -- convert [--megabytes N] [--json]
npm run bench -- ingest [--rows N] [--format NAME] [--json]
npm run bench -- million [--rows N] [--json]
npm run bench -- coldstart [--runs N] [--json]
npm run bench -- cost [--objects N] [--workers N,… --limit N] [--json]
npm run bench -- plan [--only NAME,…] [--json]

limit      engine, whole pipeline and installed peers put the same objects into the same throttling S3
ledger     a job of many rows through ingest, ledger, settle and report, with nothing transferred
convert    compressed manifests and a JSON array of so many megabytes of text, converted as ingest does it
ingest     rows parsed, validated and packed into batches, each format or one; and sent beside a bare loop of the SDK's
coldstart  upload's bundle, and its bare clients, each loaded by fresh processes
cost       what a million copied objects of 1 KB cost on AWS, by batch size and slices; or by the number of workers that wait
plan       the largest manifests of each format through POST /plans: CPU time, beside what the function has
million    a manifest dropped on the embedded cloud, with nothing but the destination's writes stubbed: exact counts`;

guardOutput();

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    objects: { type: 'string' },
    limit: { type: 'string', default: '350' },
    burst: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    rows: { type: 'string', default: '1000000' },
    format: { type: 'string' },
    megabytes: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '15' },
    workers: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

if (positionals[0] === 'limit') {
  await runLimitBench({
    objects: whole('objects', values.objects ?? '5000'),
    limitPerSecond: positive('limit', values.limit),
    burstSeconds: positive('burst', values.burst),
    rounds: whole('rounds', values.rounds),
    ...(values.only === undefined ? {} : { only: values.only.split(',') }),
    json: values.json,
  });
} else if (positionals[0] === 'ledger') {
  await runLedgerBench({ rows: whole('rows', values.rows), json: values.json });
} else if (positionals[0] === 'convert') {
  const megabytes = whole('megabytes', values.megabytes);
  const [, kind, file] = positionals;
  if (kind === undefined || file === undefined) await runConvertBench({ megabytes, json: values.json });
  else await convertOne(kind, file);
} else if (positionals[0] === 'ingest') {
  await runIngestBench({
    rows: whole('rows', values.rows),
    ...(values.format === undefined ? {} : { format: formatNamed(values.format) }),
    json: values.json,
  });
} else if (positionals[0] === 'million') {
  await runMillionBench({ rows: whole('rows', values.rows), json: values.json });
} else if (positionals[0] === 'coldstart') {
  await runColdStartBench({ runs: whole('runs', values.runs), json: values.json });
} else if (positionals[0] === 'plan') {
  await runPlanBench({
    ...(values.only === undefined ? {} : { only: values.only.split(',') }),
    json: values.json,
  });
} else if (positionals[0] === 'cost') {
  await runCostBench({
    objects: whole('objects', values.objects ?? '100000'),
    ...(values.workers === undefined
      ? {}
      : {
          fleets: {
            workers: values.workers.split(',').map((each) => whole('workers', each)),
            limitPerSecond: positive('limit', values.limit),
          },
        }),
    json: values.json,
  });
} else {
  console.error(USAGE);
  process.exitCode = 2;
}

function formatNamed(text: string): BenchFormat {
  if (isBenchFormat(text)) return text;
  console.error(`--format takes one of ${BENCH_FORMATS.join(', ')}\n\n${USAGE}`);
  process.exit(2);
}

function whole(name: string, text: string): number {
  return Math.ceil(positive(name, text));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0 && Number.isFinite(value)) return value;
  console.error(`--${name} takes a number above 0\n\n${USAGE}`);
  process.exit(2);
}
