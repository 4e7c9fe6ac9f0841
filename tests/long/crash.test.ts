// A worker killed between any two of its steps leaves every row accounted for once. Execution environments die before and
// after each of the requests that they make; what they leave behind is redelivered, and the job must end as if nothing had been.
import { describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { type Dropped, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

type FunctionName = 'ingest' | 'upload' | 'settle' | 'deadLetters';

interface CrashPoint {
  request: number;
  when: 'before' | 'after';
}

/** Jobs under way at once: enough that their redeliveries are waited for together. */
const WAVE = 12;
/** An invocation may make fewer requests than another of its function: the order is given again. */
const TRIES = 5;
const NEVER = 10_000;
/** Good rows of a job, beside a bad one: these make one slice, or two. */
const ONE_SLICE = 2;
const TWO_SLICES = 7;
/** A manifest's arrival makes more of them for each slice: its row, and its message. */
const REQUESTS_PER_SLICE = 2;

let jobs = 0;

const cloud = duringTests(() =>
  startPipelineCloud({
    visibilitySeconds: 2,
    // An item whose worker is killed this often is no poison here.
    receivesMost: { IngestQueue: 100, UploadQueue: 100, SettleQueue: 100 },
    // Two slices.
    sliceBytes: 150,
    // Small, full batches: an invocation's requests are then few, and about as many each time.
    fidelity: { unevenBatches: false },
    adjust({ functions }) {
      for (const source of functions['upload']?.sqsSources ?? []) source.batchSize = 4;
    },
  }),
);

interface TestJob {
  prefix: string;
  goodRows: number;
  dropped: Dropped;
}

const contentOf = (prefix: string, row: number) => `content ${row} of ${prefix}`;
/** The first row's place is known: slice 0, block 0, number 0. */
const keyOf = (row: number) => (row === 0 ? 'held' : `row-${row}`);

async function dropJob(goodRows = TWO_SLICES): Promise<TestJob> {
  const prefix = `job-${String(jobs++).padStart(4, '0')}/`;
  const rows = Array.from({ length: goodRows }, (_, row) => `${keyOf(row)},${contentOf(prefix, row)}`);
  const dropped = await cloud.drop(`${prefix}list.csv`, `key,text\n${rows.join('\n')}\nbad row,\n`, {
    options: { spread: 'off', destination: `s3://${cloud.names.destination}/${prefix}` },
  });
  return { prefix, goodRows, dropped };
}

const dropJobs = (count: number, goodRows?: number) =>
  Promise.all(Array.from({ length: count }, () => dropJob(goodRows)));

/** Every row once: in the destination, in the report, in the counts. */
async function expectWhole({ prefix, goodRows, dropped }: TestJob, failed: string[] = []): Promise<void> {
  const end = await cloud.ended(dropped);
  const rows = Array.from({ length: goodRows }, (_, row) => row).filter(
    (row) => !failed.includes(keyOf(row)),
  );
  expect(end).toMatchObject({
    state: 'completed',
    rows: goodRows + 1,
    stored: rows.length,
    failed: failed.length,
    rejected: 1,
    unaccounted: 0,
  });
  // The event may come twice, but never with other numbers.
  for (const again of cloud.endsOf(dropped)) expect(again).toEqual(end);

  const { destination } = cloud.names;
  expect(await cloud.keys(destination, prefix)).toEqual(rows.map((row) => prefix + keyOf(row)).toSorted());
  const contents = await Promise.all(rows.map((row) => cloud.read(destination, prefix + keyOf(row))));
  expect(contents.map(String)).toEqual(rows.map((row) => contentOf(prefix, row)));

  const keysIn = async (kind: 'succeeded' | 'failed' | 'rejected') =>
    (await cloud.rows(end, kind)).map(({ key }) => key).toSorted();
  expect(await keysIn('succeeded')).toEqual(rows.map(keyOf).toSorted());
  expect(await keysIn('failed')).toEqual(failed);
  expect(await keysIn('rejected')).toEqual(['bad row']);
}

/**
 * Requests that the next invocations of the function make, as they become known. What no invocation takes is let live in a
 * later wave.
 */
function countRequests(name: FunctionName, count: number): number[] {
  const seen: number[] = [];
  for (let order = 0; order < count; order++) {
    void cloud.crash(name, { request: NEVER, when: 'before' }).then((report) => {
      if (report.kind === 'survived') seen.push(report.requests);
    });
  }
  return seen;
}

function everyPoint(requests: number): CrashPoint[] {
  return Array.from({ length: requests }, (_, index) => index + 1).flatMap((request) => [
    { request, when: 'before' as const },
    { request, when: 'after' as const },
  ]);
}

interface Campaign {
  name: FunctionName;
  /** Requests that an invocation was seen to make; it is tried beyond, for others may make more. */
  reaches: number;
  /** Whether the first invocation for each job is let live: what is to die comes behind it. */
  sparesFirst?: true;
}

/**
 * Kills one invocation at each point, several jobs at a time, and all functions in the same jobs.
 * @returns the points that no invocation reached
 */
async function killAll(goodRows: number, campaigns: Campaign[]): Promise<string[]> {
  const left = new Map(
    campaigns.map((campaign) => [
      campaign,
      everyPoint(campaign.reaches).map((point) => ({ point, tries: 0 })),
    ]),
  );
  const unreached: string[] = [];
  while ([...left.values()].some((points) => points.length > 0)) {
    const size = Math.min(WAVE, Math.max(...[...left.values()].map((points) => points.length)));
    const orders = campaigns.map((campaign) => {
      const waiting = left.get(campaign) ?? [];
      for (let spared = 0; campaign.sparesFirst === true && spared < size; spared++)
        void cloud.crash(campaign.name, { request: NEVER, when: 'before' });
      return waiting.splice(0, size).map(async (aim) => {
        const report = await cloud.crash(campaign.name, aim.point);
        if (report.kind === 'died') return;
        aim.tries++;
        if (aim.tries < TRIES) waiting.push(aim);
        else unreached.push(`${campaign.name} ${aim.point.when} request ${aim.point.request}`);
      });
    });
    const wave = await dropJobs(size, goodRows);
    for (const job of wave) await expectWhole(job);
    await Promise.all(orders.flat());
  }
  return unreached;
}

describe('a job', () => {
  it('ends whole, though ingest, upload and settle die at each of their requests', async () => {
    // The first of all also meets what S3 sends when a notification is set up.
    await expectWhole(await dropJob());
    await queuesEmpty();
    const ingests = countRequests('ingest', 2);
    const [uploads, settles] = [countRequests('upload', 2), countRequests('settle', 2)];
    await expectWhole(await dropJob(ONE_SLICE));
    const [arrival = 0, slice = 0] = ingests;
    // A slice may be told as closed twice: of two invocations one finds nothing to do.
    const [upload, settle] = [Math.max(...uploads), Math.max(...settles)];
    // Fewer would mean that the counting, not the pipeline, was at fault.
    expect(arrival).toBeGreaterThanOrEqual(8);
    expect(slice).toBeGreaterThanOrEqual(6);
    expect(upload).toBeGreaterThanOrEqual(7);
    expect(settle).toBeGreaterThanOrEqual(14);

    const unreached = [
      ...(await killAll(TWO_SLICES, [{ name: 'ingest', reaches: arrival + REQUESTS_PER_SLICE }])),
      ...(await killAll(ONE_SLICE, [
        { name: 'ingest', reaches: slice, sparesFirst: true },
        { name: 'upload', reaches: upload },
        { name: 'settle', reaches: settle },
      ])),
    ];
    console.log(JSON.stringify({ arrival, slice, upload, settle, jobs, crashes: cloud.crashes() }));
    expect(unreached).toEqual([]);
    expect(cloud.metricsOf('deadLetters')['DeadLettersFlagged'] ?? 0).toBe(0);
  });

  it('ends whole with its dead letter failed, though the dead-letter handler dies at each of its requests', async () => {
    await cloud.setFaults([{ kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: '/held' }]);
    try {
      const deadLetterHeld = async ({ prefix, dropped }: TestJob) => {
        const job = await runningJob(dropped);
        // Its neighbour is there: the block that it is booked in is open.
        await cloud.until('its slice is sent', async () =>
          Boolean(await cloud.read(cloud.names.destination, prefix + keyOf(1))),
        );
        await cloud.send('DeadLetters', heldMessage(job));
      };
      const first = await dropJob();
      const counting = countRequests('deadLetters', 1);
      await deadLetterHeld(first);
      await expectWhole(first, ['held']);
      const [requests = 0] = counting;
      expect(requests).toBeGreaterThanOrEqual(5);

      const points = everyPoint(requests);
      while (points.length > 0) {
        const orders = points.splice(0, WAVE).map((point) => cloud.crash('deadLetters', point));
        const wave = await dropJobs(WAVE);
        for (const job of wave) await deadLetterHeld(job);
        for (const job of wave) await expectWhole(job, ['held']);
        void orders;
      }
      expect(cloud.crashes()['deadLetters']).toBeGreaterThanOrEqual(requests);
    } finally {
      await cloud.setFaults([]);
    }
  });

  it('ends whole, though sweep dies at each of its requests', async () => {
    await cloud.setFaults([{ kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: '/held' }]);
    const job = await dropJob();
    await runningJob(job.dropped);
    const counting = cloud.crash('sweep', { request: NEVER, when: 'before' });
    await cloud.trigger('sweep');
    const report = await counting;
    const requests = report.kind === 'survived' ? report.requests : 0;
    expect(requests).toBeGreaterThanOrEqual(3);
    for (const point of everyPoint(requests)) {
      const crash = cloud.crash('sweep', point);
      await cloud.trigger('sweep').catch(() => undefined);
      await crash;
    }
    expect(cloud.crashes()['sweep']).toBeGreaterThanOrEqual(2 * requests - 2);
    await cloud.setFaults([]);
    await expectWhole(job);
    await cloud.trigger('sweep');
  });
});

it('leaves no job behind, and no message', async () => {
  await queuesEmpty();
  const states = new Set<string>();
  let cursor: string | undefined;
  do {
    const answer = await fetch(
      `${cloud.endpoints.api}/jobs?limit=100${cursor === undefined ? '' : `&cursor=${cursor}`}`,
    );
    const page = (await answer.json()) as { jobs: { state: string }[]; cursor?: string };
    for (const { state } of page.jobs) states.add(state);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect([...states]).toEqual(['completed']);
});

const queuesEmpty = () =>
  cloud.until('the queues are empty', async () =>
    Object.values(await cloud.queueDepths()).every(
      ({ visible, inFlight, delayed }) => visible + inFlight + delayed === 0,
    ),
  );

async function runningJob(dropped: Dropped): Promise<string> {
  let found: string | undefined;
  await cloud.until('the job runs', async () => {
    const answer = await fetch(`${cloud.endpoints.api}/jobs?limit=50`);
    const { jobs: list } = (await answer.json()) as {
      jobs: { job: string; state: string; manifest: string }[];
    };
    const job = list.find(({ manifest }) => manifest === `s3://${cloud.names.inbox}/${dropped.key}`);
    found = job?.state === 'running' ? job.job : undefined;
    return found !== undefined;
  });
  return found ?? '';
}

function heldMessage(job: string): string {
  return JSON.stringify({
    v: 1,
    job,
    slice: 0,
    block: 0,
    number: 0,
    line: 2,
    item: { key: 'held', text: 'held' },
    suspect: true,
    firstSentAtMs: Date.now(),
    attempts: 0,
    throttled: 0,
    returned: 0,
    reposted: 0,
  });
}
