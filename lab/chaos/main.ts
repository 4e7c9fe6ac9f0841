// npm run chaos: the pipeline under faults, everything read back. Ends with 0 only if nothing was lost or counted twice.
import { parseArgs } from 'node:util';
import { guardOutput } from '../output.ts';
import type { Account } from './check-account.ts';
import { CHAOS_FAULTS, type ChaosFaultName } from './faults.ts';
import { type ChaosRun, runChaos } from './run.ts';

const USAGE = `npm run chaos -- [--items N] [--seed N] [--only FAULT,…|each] [--intensity X] [--outages N] [--outage-seconds N]
                 [--limit-seconds N] [--json]

The whole pipeline on the embedded cloud under seeded faults: all at once, or with --only those named, each alone.
--intensity multiplies their rates; each service is gone --outages times for --outage-seconds.
It is given up once nothing gets on for --limit-seconds; a machine that is only slow gets more time.
Faults: ${CHAOS_FAULTS.join(' ')}`;

const BREACHES_NAMED = 20;

guardOutput();

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    intensity: { type: 'string', default: '1' },
    outages: { type: 'string', default: '3' },
    'outage-seconds': { type: 'string', default: '10' },
    'limit-seconds': { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
});
const items = whole('items', values.items, 1);
const seed = whole('seed', values.seed, 0);
const intensity = positive('intensity', values.intensity);
const outagesEach = whole('outages', values.outages, 1);
const outageMs = positive('outage-seconds', values['outage-seconds']) * 1000;
const limitSeconds = whole('limit-seconds', values['limit-seconds'], 1);

const campaigns =
  values.only === undefined ? [[...CHAOS_FAULTS]] : faultsNamed(values.only).map((name) => [name]);
const runs: { name: string; run: ChaosRun }[] = [];
for (const faults of campaigns) {
  const name = faults.length === 1 ? (faults[0] ?? '') : 'all faults';
  console.error(`${name}: ${items} items, seed ${seed}`);
  const run = await runChaos({
    items,
    seed,
    faults,
    intensity,
    outagesEach,
    outageMs,
    limitSeconds,
    say: (line) => console.error(`  ${line}`),
  });
  runs.push({ name, run });
  print(name, run);
}

const isSound = runs.every(({ run }) => run.isSound);
const summary = { ...sum(runs.map(({ run }) => run)), seed };
if (values.json) console.log(JSON.stringify(summary));
process.exitCode = isSound ? 0 : 1;

function print(name: string, run: ChaosRun): void {
  const { account, breaches, seconds, stretched, stall } = run;
  if (!values.json)
    console.log(`${name}: ${JSON.stringify({ ...account, seconds, stretched, faults: run.faults })}`);
  if (run.isSound) return;
  for (const breach of breaches.slice(0, BREACHES_NAMED)) console.error(`  ${breach}`);
  if (breaches.length > BREACHES_NAMED) console.error(`  and ${breaches.length - BREACHES_NAMED} more`);
  if (stall !== undefined) console.error(stall);
  console.error(`again: npm run chaos -- ${process.argv.slice(2).join(' ')}`);
}

function sum(all: readonly ChaosRun[]) {
  const account: Partial<Account> = {};
  const faults: Record<string, number> = {};
  let seconds = 0;
  let stretched = 0;
  for (const run of all) {
    for (const [name, count] of Object.entries(run.account) as [keyof Account, number][]) {
      account[name] = (account[name] ?? 0) + count;
    }
    for (const [name, count] of Object.entries(run.faults)) faults[name] = (faults[name] ?? 0) + count;
    seconds += run.seconds;
    stretched += run.stretched;
  }
  return { ...account, seconds, stretched, faults };
}

function faultsNamed(text: string): ChaosFaultName[] {
  if (text === 'each') return [...CHAOS_FAULTS];
  const names = text.split(',');
  const unknown = names.filter((name) => !CHAOS_FAULTS.some((known) => known === name));
  if (unknown.length > 0) refuse(`there is no fault ${unknown.join(', ')}`);
  return names as ChaosFaultName[];
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
    refuse(`--${name} takes a whole number from ${least}`);
  return value;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || !(value > 0 && Number.isFinite(value)))
    refuse(`--${name} takes a number above 0`);
  return value;
}

function refuse(reason: string): never {
  console.error(`${reason}\n\n${USAGE}`);
  process.exit(2);
}
