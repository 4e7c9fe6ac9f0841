// The conversion of a job's manifest, step by step: it may stop or fail anywhere, and the next invocation does the rest.
import { gzipSync } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  GetObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { convertManifest } from '../../functions/ingest/convert-manifest.ts';
import { readConvertedList } from '../../functions/ingest/converted-files.ts';
import { cutFiles } from '../../functions/ingest/manifest-files.ts';
import { startJob } from '../../functions/ingest/open-job.ts';
import { PART_BYTES } from '../../functions/ingest/write-text.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import type { JobControl, NewJob, PlanCursor, PlanningJob } from '../../shared/job/job.ts';
import { viewJob } from '../../shared/job/view.ts';
import { readJobRow, writeJobRow } from '../../shared/ledger/job-row-format.ts';
import { failing, meddled, refusal } from '../helpers/failing.ts';
import { startingWith } from '../helpers/starting.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const CSV = 'key,text\na,1\nb,2\n';
/** Text of several parts, whose lines differ: few bytes when it is compressed, and no bomb. */
const LARGE = `key,text\n${Array.from({ length: 120_000 }, (_, row) => `${'folder/'.repeat(6)}${row},text\n`).join('')}`;
const LARGE_GZIP = gzipSync(LARGE);
const DEADLINE_MS = Number.MAX_SAFE_INTEGER;

async function open(bytes: Uint8Array | string, key = 'list.csv.gz', contentType = 'application/gzip') {
  const memory = createMemoryS3({ versioned: ['inbox'] });
  const clock = createVirtualClock();
  memory.write('inbox', key, Buffer.from(bytes as string), { contentType });
  const reader = { s3: memory.client, clock, random: () => 0 };
  const job = (await startJob(
    startingWith(reader, { cut: { sliceBytes: 1_000_000, blockRows: 2 }, nowMs: clock.now() }),
    { bucket: 'inbox', key, versionId: 'v1' },
  )) as NewJob;
  const orders: { control: JobControl } = { control: 'run' };
  const finished: PlanCursor[] = [];
  const ledger = {
    getJob: async () => ({ ...job, ...orders }) as PlanningJob,
    finishPlan: async (_: unknown, plan: PlanCursor) => {
      finished.push(plan);
      return undefined;
    },
  };
  const convert = (s3: S3Client = memory.client, time = { deadlineMs: DEADLINE_MS, isWhole: true }) =>
    convertManifest({ reader: { ...reader, s3 }, ledger, sourceBuckets: [], clock }, job, time);
  const unitOf = () => memory.keys('reports').find((each) => each.includes('/unit-')) ?? '';
  return { memory, clock, reader, job, orders, finished, convert, unitOf };
}

describe('the conversion of a manifest', () => {
  it('writes its text and then the list of its files, which is what is cut', async () => {
    const { memory, reader, job, convert } = await open(gzipSync(CSV));
    expect(job).toMatchObject({
      state: 'planning',
      head: { format: 'csv', bodyOffset: 9 },
      files: { kind: 'converted', conversion: 'gzip', bucket: 'reports' },
    });
    expect(await convert()).toEqual({ kind: 'converted' });
    const folder = `converted/${job.id}/${job.startedAtMs}/`;
    expect(memory.keys('reports')).toEqual([`${folder}list.json`, `${folder}unit-00000`]);
    expect(String(memory.object('reports', `${folder}unit-00000`)?.body)).toBe(CSV);

    const cuts = await Array.fromAsync(cutFiles(reader, job, { sliceBytes: 1_000, rows: 1 }));
    expect(cuts).toMatchObject([
      {
        kind: 'slice',
        rows: 1,
        place: { kind: 'file-bytes', file: { key: `${folder}unit-00000` }, startLine: 2, startOffset: 9 },
        next: { slices: 1, rows: 1, file: 0 },
      },
      {
        kind: 'slice',
        rows: 1,
        place: { startLine: 3, startOffset: 13 },
        next: { slices: 2, rows: 2, line: 4 },
      },
    ]);
  });

  it('is shown until the first slice is cut, by a job as it is stored', async () => {
    const { job } = await open(gzipSync(CSV));
    const stored = readJobRow(writeJobRow(job));
    expect(stored).toEqual(job);
    expect(viewJob(stored)).toMatchObject({ state: 'planning', converting: 'gzip', rows: 0 });
    const cut = { ...job, plan: { ...job.plan, slices: 1 } };
    expect(viewJob(cut)).not.toHaveProperty('converting');
  });

  it('passes over a manifest that needs none, and one that is converted', async () => {
    const plain = await open(CSV, 'list.csv');
    expect(plain.job.files).toBeUndefined();
    expect(await plain.convert()).toEqual({ kind: 'converted' });
    expect(plain.memory.keys('reports')).toEqual([]);

    const { memory, convert } = await open(gzipSync(CSV));
    await convert();
    const writes: string[] = [];
    const watched = meddled(memory.client, async (command, pass) => {
      writes.push(command.constructor.name);
      return pass();
    });
    expect(await convert(watched)).toEqual({ kind: 'converted' });
    expect(writes).toEqual(['HeadObjectCommand']);
  });

  it('finds the rows by the content type where the name says nothing', async () => {
    const { memory, job, convert, unitOf } = await open(gzipSync('x\n'), 'list', 'application/x-ndjson');
    expect(job).toMatchObject({ head: { format: 'ndjson' }, files: { contentType: 'application/x-ndjson' } });
    expect(await convert()).toEqual({ kind: 'converted' });
    expect(String(memory.object('reports', unitOf())?.body)).toBe('x\n');
  });

  it.each([
    ['of one write', gzipSync(CSV), CSV],
    ['of several parts', LARGE_GZIP, LARGE],
  ])('%s gives the same text, whichever call fails, before or after its effect', async (_, bytes, text) => {
    const expected = Buffer.from(text);
    for (const when of ['before', 'after'] as const) {
      for (let at = 0, hasFailed = true; hasFailed; at++) {
        hasFailed = false;
        const { memory, reader, job, convert, unitOf } = await open(bytes);
        const faulty = failing(memory.client, (_command, call) => {
          if (call !== at) return undefined;
          hasFailed = true;
          return { when, error: refusal('InternalError', 500) };
        });
        // A read is tried again in place; a write fails the message, which comes again.
        await convert(faulty).catch((error: Error) => expect(error.name).toBe('InternalError'));
        expect(await convert()).toEqual({ kind: 'converted' });
        expect(memory.object('reports', unitOf())?.body.equals(expected)).toBe(true);
        if (job.files === undefined) throw new Error('no files');
        expect(await readConvertedList(reader, job.files)).toMatchObject({
          kind: 'readable',
          files: [{ key: unitOf(), sizeBytes: text.length }],
        });
      }
    }
  });

  it('sends several parts, and leaves no upload behind where one fails', async () => {
    const { memory, convert, unitOf } = await open(LARGE_GZIP);
    const sent: number[] = [];
    const watched = meddled(memory.client, async (command, pass) => {
      if (command instanceof UploadPartCommand) {
        sent.push((command.input.Body as Uint8Array).length);
        if (sent.length === 2) throw refusal('AccessDenied', 403);
      }
      return pass();
    });
    await expect(convert(watched)).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(memory.openUploads()).toEqual([]);
    expect(unitOf()).toBe('');
    expect(sent[0]).toBe(PART_BYTES);
  });

  it('takes the text of an invocation that was faster for its own', async () => {
    const { memory, convert } = await open(LARGE_GZIP);
    let isFirst = true;
    const slow = meddled(memory.client, async (command, pass) => {
      if (command instanceof CompleteMultipartUploadCommand && isFirst) {
        isFirst = false;
        expect(await convert()).toEqual({ kind: 'converted' });
      }
      return pass();
    });
    expect(await convert(slow)).toEqual({ kind: 'converted' });
  });

  it.each([
    ['paused', 'halted', 0],
    ['cancelling', 'finished', 1],
    ['expiring', 'finished', 1],
  ] as const)('stops within a unit where its job is %s', async (control, kind, plans) => {
    const { memory, clock, orders, finished, convert } = await open(LARGE_GZIP);
    const ordering = meddled(memory.client, async (command, pass) => {
      const answer = await pass();
      if (command instanceof UploadPartCommand) {
        orders.control = control;
        clock.advance(60_000);
      }
      return answer;
    });
    expect(await convert(ordering)).toMatchObject({ kind });
    expect(memory.keys('reports')).toEqual([]);
    expect(memory.openUploads()).toEqual([]);
    expect(finished).toHaveLength(plans);
    expect(finished.every(({ slices, rows }) => slices === 0 && rows === 0)).toBe(true);
    orders.control = 'run';
    expect(await convert()).toEqual({ kind: 'converted' });
  });

  it('is begun again by another invocation, and given up where that has no time either', async () => {
    const { memory, clock, convert } = await open(LARGE_GZIP);
    const slow = meddled(memory.client, async (command, pass) => {
      if (command instanceof UploadPartCommand) clock.advance(60_000);
      return pass();
    });
    const deadlineMs = () => clock.now() + 1_000;
    expect(await convert(slow, { deadlineMs: deadlineMs(), isWhole: false })).toEqual({
      kind: 'out of time',
    });
    expect(await convert(slow, { deadlineMs: deadlineMs(), isWhole: true })).toEqual({
      kind: 'unreadable',
      fault: {
        code: 'ConversionTooLong',
        message: expect.stringMatching(/from gzip in the time of one invocation: split it .* as plain CSV/),
      },
    });
    expect(memory.keys('reports')).toEqual([]);
  });

  it('fails the job where the manifest is damaged behind its start', async () => {
    const { memory, convert } = await open(LARGE_GZIP.subarray(0, -1));
    expect(await convert()).toEqual({
      kind: 'unreadable',
      fault: { code: 'CompressionBroken', message: expect.stringContaining('cut off') },
    });
    expect(memory.keys('reports')).toEqual([]);
    expect(memory.openUploads()).toEqual([]);
  });

  it.each([
    ['before it is read again', 0],
    ['while it is read', 1],
  ])('fails the job where the manifest is deleted %s', async (_, readsBefore) => {
    const { memory, convert } = await open(gzipSync(CSV));
    let reads = 0;
    const gone = failing(memory.client, (command) =>
      command instanceof GetObjectCommand && reads++ >= readsBefore
        ? { when: 'before', error: refusal('NoSuchVersion', 404) }
        : undefined,
    );
    expect(await convert(gone)).toEqual({
      kind: 'unreadable',
      fault: {
        code: 'ManifestGone',
        message:
          's3://inbox/list.csv.gz was deleted or replaced before all of it was read: drop the manifest again',
      },
    });
  });
});
