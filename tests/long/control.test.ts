// A user's orders to a job of 20,000 rows in mid work: it is paused, resumed, and cancelled half way. Then each of its rows is
// looked for: in the counts, in the report, and in the bucket. Its rows end in every way that there is.
import { beforeAll, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import {
  type Dropped,
  type JobEnd,
  type ReportRow,
  SOURCE_BUCKET,
  startPipelineCloud,
} from '../helpers/pipeline-cloud.ts';
import { startSpillway } from '../helpers/spillway.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const ROWS = 20_000;
/** Writes a second: enough of the job is left at each order. */
const LIMIT_PER_SECOND = 1_500;
const PREFIX = 'control/';
/** An order takes effect within this. */
const EFFECT_MS = 15_000;
/** The queues are empty this long after the cancel. */
const EMPTY_MS = 60_000;

type Fate = 'text' | 'bad' | 'hopeless' | 'existing';
const fateOf = (row: number): Fate =>
  (({ 50: 'bad', 100: 'hopeless', 150: 'existing' }) as const)[row % 200] ?? 'text';
const keyOf = (row: number) => `${String(row).padStart(6, '0')} of +%.txt`;
const textOf = (row: number) => `row ${row}`;
const OLD = 'was here before';

const folder = duringTests(temporaryFolder);
const cloud = duringTests(() =>
  startPipelineCloud({
    limit: { limitPerSecond: LIMIT_PER_SECOND },
    sweepEveryMs: 1_000,
    sliceBytes: 120_000,
    adjust({ functions }) {
      const { ingest } = functions;
      if (ingest !== undefined) ingest.environment['SPILLWAY_BLOCK_ROWS'] = '100';
    },
  }),
);

/** As a user gives it, from the command line. @returns the job as the command tells of it */
async function order(order: 'pause' | 'resume' | 'cancel' | 'status', job: string) {
  const { ended } = startSpillway([order, job, '--api', cloud.endpoints.api, '--json'], { cwd: folder.path });
  const { code, stdout, stderr } = await ended;
  if (code !== 0) throw new Error(`spillway ${order} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { state: string; rows: number };
}

async function jobOf({ key }: Dropped): Promise<string> {
  const listed = (await (await fetch(`${cloud.endpoints.api}/jobs`)).json()) as {
    jobs: { job: string; manifest: string }[];
  };
  const job = listed.jobs.find(({ manifest }) => manifest.endsWith(`/${key}`));
  if (job === undefined) throw new Error(`no job of ${key} is listed`);
  return job.job;
}

const storedSoFar = () => cloud.metricsOf('upload')['ObjectsStored'] ?? 0;
const invocations = async () => (await cloud.meter()).lambda['upload']?.invocations ?? 0;
async function messages(): Promise<number> {
  const depths = Object.values(await cloud.queueDepths());
  return depths.reduce((sum, { visible, inFlight, delayed }) => sum + visible + inFlight + delayed, 0);
}

describe('a job of 20,000 rows', () => {
  let job: string;
  let end: JobEnd;

  beforeAll(async () => {
    const existing = Array.from({ length: ROWS }, (_, row) => row).filter(
      (row) => fateOf(row) === 'existing',
    );
    await Promise.all(existing.map((row) => cloud.put(cloud.names.destination, PREFIX + keyOf(row), OLD)));
    const lines = Array.from({ length: ROWS }, (_, row) => {
      const key = keyOf(row);
      switch (fateOf(row)) {
        case 'bad':
          return `${key},,`;
        case 'hopeless':
          return `${key},s3://${SOURCE_BUCKET}/none/${row},`;
        default:
          return `${key},,${textOf(row)}`;
      }
    });
    const dropped = await cloud.drop('control.csv', `key,source,text\n${lines.join('\n')}\n`, {
      options: {
        destination: `s3://${cloud.names.destination}/${PREFIX}`,
        spread: 'off',
        'if-exists': 'skip',
        'max-failed-percent': '100',
      },
    });
    await cloud.until('a seventh of the objects', () => storedSoFar() > ROWS / 7);
    job = await jobOf(dropped);
  });

  it('rests when it is paused: within 15 s nothing more of it is written, and no message of it is left', async () => {
    const pausedAtMs = Date.now();
    expect(await order('pause', job)).toMatchObject({ state: 'paused' });
    await cloud.until('empty queues', async () => (await messages()) === 0, EFFECT_MS);
    const { lastWriteAtMs = 0 } = (await cloud.meter()).s3.buckets[cloud.names.destination] ?? {};
    expect(lastWriteAtMs - pausedAtMs).toBeLessThan(EFFECT_MS);
    expect(storedSoFar()).toBeLessThan(ROWS / 2);
  });

  it('costs nothing while it is paused', async () => {
    const before = await invocations();
    const requests = Object.values(
      (await cloud.meter()).s3.buckets[cloud.names.destination]?.operations ?? {},
    );
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await messages()).toBe(0);
    expect(await invocations()).toBe(before);
    expect(
      Object.values((await cloud.meter()).s3.buckets[cloud.names.destination]?.operations ?? {}),
    ).toEqual(requests);
    expect(await order('status', job)).toMatchObject({ state: 'paused' });
  });

  it('goes on when it is resumed, and stops for good when it is cancelled half way', async () => {
    expect(['planning', 'running']).toContain((await order('resume', job)).state);
    await cloud.until('half of the objects', () => storedSoFar() > ROWS / 2);
    const cancelledAtMs = Date.now();
    expect(await order('cancel', job)).toMatchObject({ state: 'cancelling' });
    end = await cloud.ended(job, EMPTY_MS);
    await cloud.until('empty queues', async () => (await messages()) === 0, EMPTY_MS);
    expect(Date.now() - cancelledAtMs).toBeLessThan(EMPTY_MS);
    expect(await order('status', job)).toMatchObject({ state: 'cancelled', rows: ROWS });
  });

  it('accounts for every row once, in every way that a row can end', () => {
    const { rows, stored, skipped, failed, cancelled, rejected } = end;
    expect(rows).toBe(ROWS);
    expect(stored + skipped + failed + cancelled + rejected).toBe(ROWS);
    expect(end).toMatchObject({ state: 'cancelled', unaccounted: 0, rejected: ROWS / 200 });
    for (const count of [stored, skipped, failed, cancelled]) expect(count).toBeGreaterThan(0);
    expect(stored).toBeGreaterThan(ROWS / 2);
  });

  it('is in the report as it is in the bucket, row by row', async () => {
    const [succeeded, failed, rejected] = await Promise.all([
      cloud.rows(end, 'succeeded'),
      cloud.rows(end, 'failed'),
      cloud.rows(end, 'rejected'),
    ]);
    const byRow = new Map<number, { kind: string; row: ReportRow }>();
    const note = (kind: string, row: ReportRow) => {
      const line = row['line'] ?? /^line (\d+)$/.exec(String(row['spillway_place']))?.[1];
      const number = Number(line) - 2;
      expect(byRow.get(number), `row ${number} is told of twice`).toBeUndefined();
      byRow.set(number, { kind, row });
    };
    for (const row of succeeded) note(String(row['status']), row);
    for (const row of failed) note(row['spillway_code'] === 'Cancelled' ? 'cancelled' : 'failed', row);
    for (const row of rejected) note('rejected', row);
    expect(byRow.size).toBe(ROWS);

    const there = new Set(await cloud.keys(cloud.names.destination, PREFIX));
    const wrong: string[] = [];
    const stored: number[] = [];
    for (let number = 0; number < ROWS; number++) {
      const { kind, row } = byRow.get(number) ?? { kind: 'missing', row: {} };
      const fate = fateOf(number);
      if (row['key'] !== keyOf(number)) wrong.push(`${number}: its key is ${row['key']}`);
      if (!POSSIBLE[fate].includes(kind)) wrong.push(`${number}: a row of ${fate} ended ${kind}`);
      const isThere = there.has(PREFIX + keyOf(number));
      if (isThere !== (kind === 'stored' || fate === 'existing'))
        wrong.push(`${number}: ${kind}, and its object is ${isThere ? '' : 'not '}there`);
      if (kind === 'stored') stored.push(number);
    }
    expect(wrong).toEqual([]);
    for (const number of stored.filter((_, index) => index % 50 === 0)) {
      const bytes = await cloud.read(cloud.names.destination, PREFIX + keyOf(number));
      expect(String(bytes)).toBe(textOf(number));
    }
    expect(String(await cloud.read(cloud.names.destination, PREFIX + keyOf(150)))).toBe(OLD);
  });
});

/** A row that was not reached is cancelled; a bad one is rejected even so. */
const POSSIBLE: Readonly<Record<Fate, string[]>> = {
  text: ['stored', 'cancelled'],
  existing: ['skipped', 'cancelled'],
  hopeless: ['failed', 'cancelled'],
  bad: ['rejected'],
};
