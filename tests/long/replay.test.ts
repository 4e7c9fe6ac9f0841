// Messages that are lost: queues whose contents are deleted in mid job, and rows that nobody can send any more. Sweep finds what
// stands still, and every row is accounted for once all the same.
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { type Dropped, type JobEnd, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const ROWS = 600;
/** Writes a second: a job of these rows takes seconds, so that there is a middle of it. */
const LIMIT_PER_SECOND = 100;
const QUEUES = ['IngestQueue', 'UploadQueue', 'SettleQueue'];

const cloud = duringTests(() =>
  startPipelineCloud({
    visibilitySeconds: 3,
    limit: { limitPerSecond: LIMIT_PER_SECOND },
    sweepEveryMs: 1_000,
    sliceBytes: 4_000,
    adjust({ functions }) {
      const { ingest, sweep, settle } = functions;
      if (ingest !== undefined) ingest.environment['SPILLWAY_BLOCK_ROWS'] = '20';
      for (const each of [sweep, settle]) {
        if (each !== undefined) each.environment['SPILLWAY_UPLOAD_SECONDS'] = '1';
      }
      if (sweep !== undefined) {
        sweep.environment['SPILLWAY_REPLAY_IDLE_SECONDS'] = '2';
        sweep.environment['SPILLWAY_REPLAY_BUSY_SECONDS'] = '600';
      }
    },
  }),
);
afterEach(() => cloud.setFaults([]));

const keyOf = (prefix: string, row: number) => `${prefix}/${String(row).padStart(4, '0')}`;

function drop(prefix: string, options: Record<string, string> = {}): Promise<Dropped> {
  const rows = Array.from({ length: ROWS }, (_, row) => `${keyOf(prefix, row)},of row ${row} of ${prefix}`);
  return cloud.drop(`lists/${prefix}.csv`, `key,text\n${rows.join('\n')}\nbad row,\n`, {
    options: { spread: 'off', ...options },
  });
}

const planned = (prefix: string) =>
  cloud.logs().some(({ line }) => line.includes('manifest planned') && line.includes(`${prefix}.csv`));

async function purge(queues: readonly string[]): Promise<void> {
  const sqs = new SQSClient(cloud.clientConfig());
  for (const queue of queues) {
    await sqs.send(new PurgeQueueCommand({ QueueUrl: cloud.names.queues[queue] }));
  }
  sqs.destroy();
}

/** Each row once: in the bucket, in the report, in the counts. */
async function expectWhole(end: JobEnd, prefix: string): Promise<void> {
  expect(end).toMatchObject({
    state: 'completed',
    rows: ROWS + 1,
    stored: ROWS,
    rejected: 1,
    unaccounted: 0,
  });
  const keys = Array.from({ length: ROWS }, (_, row) => keyOf(prefix, row));
  expect((await cloud.rows(end, 'succeeded')).map(({ key }) => key).toSorted()).toEqual(keys);
  expect(await cloud.rows(end, 'rejected')).toHaveLength(1);
  expect(await cloud.keys(cloud.names.destination, `${prefix}/`)).toEqual(keys);
}

describe('the contents of', () => {
  it.each([
    { prefix: 'upload', queues: ['UploadQueue'] },
    { prefix: 'all', queues: QUEUES },
  ])('$queues may be deleted in mid job, again and again', async ({ prefix, queues }) => {
    const dropped = await drop(prefix);
    for (const part of [0.2, 0.5]) {
      await cloud.until(
        `${part} of the objects`,
        async () => (await cloud.keys(cloud.names.destination, `${prefix}/`)).length >= ROWS * part,
      );
      await purge(queues);
    }
    await expectWhole(await cloud.ended(dropped, 120_000), prefix);
    expect(cloud.metricsOf('sweep')['SlicesReplayed'] ?? 0).toBeGreaterThan(0);
  });

  it('the ingest queue may be deleted while the slices wait in it', async () => {
    // Every slice message vanishes as it is sent: the plan is made, and nothing of it is under way.
    const queue = String(cloud.names.queues['IngestQueue']?.split('/').at(-1));
    await cloud.setFaults([{ kind: 'sqs-message-lost', queue }]);
    const dropped = await drop('ingest');
    await cloud.until('the plan', () => planned('ingest'));
    await cloud.setFaults([]);
    await expectWhole(await cloud.ended(dropped, 120_000), 'ingest');
  });

  it('the settle queue may be deleted when slices have closed', async () => {
    const queue = String(cloud.names.queues['SettleQueue']?.split('/').at(-1));
    await cloud.setFaults([{ kind: 'sqs-message-lost', queue, count: 8 }]);
    await expectWhole(await cloud.ended(await drop('settle'), 120_000), 'settle');
  });
});

describe('a job that fails wholesale', () => {
  it('is stopped, and the rest of it is cancelled', async () => {
    const missing = Array.from(
      { length: ROWS },
      (_, row) => `${keyOf('wrong', row)},s3://spillway-test-source/none-${row}`,
    );
    const dropped = await cloud.drop('lists/wrong.csv', `key,source\n${missing.join('\n')}\n`, {
      options: { spread: 'off', 'max-failed-after-rows': '60' },
    });
    const end = await cloud.ended(dropped, 90_000);
    expect(end).toMatchObject({
      state: 'failed',
      stored: 0,
      unaccounted: 0,
      fault: { code: 'TooManyFailures' },
    });
    expect(end.cancelled).toBeGreaterThan(0);
    expect(end.failed + end.cancelled).toBe(ROWS);
    const codes = new Set((await cloud.rows(end, 'failed')).map((row) => row['spillway_code']));
    expect(codes).toContain('Cancelled');
  });
});

// The last one: the workers' pacers have learnt a floor from it, as from any S3 that refuses everything for a minute.
describe('a job past its deadline', () => {
  it('books what has not ended as lost: by its own columns, or by its place where the manifest is gone too', async () => {
    await cloud.setFaults([
      // Of `late` the last hundred rows; a mere digit would also meet the job's id, and with it the report.
      { kind: 's3-error', status: 503, code: 'SlowDown', keyIncludes: 'late/05' },
      { kind: 's3-error', status: 503, code: 'SlowDown', keyIncludes: 'gone/' },
    ]);
    const options = { 'deadline-seconds': '60' };
    const [late, gone] = await Promise.all([drop('late', options), drop('gone', options)]);
    await cloud.until('rows of both on their way', async () => {
      const { UploadQueue } = await cloud.queueDepths();
      return planned('late') && planned('gone') && (UploadQueue?.visible ?? 0) > 0;
    });
    await cloud.s3.send(
      new DeleteObjectCommand({ Bucket: cloud.names.inbox, Key: gone.key, VersionId: gone.versionId }),
    );

    const end = await cloud.ended(late, 200_000);
    expect(end).toMatchObject({ state: 'failed', unaccounted: 0, fault: { code: 'DeadlineExceeded' } });
    const stored = await cloud.keys(cloud.names.destination, 'late/');
    expect(end.stored).toBe(stored.length);
    expect(end.failed).toBe(ROWS - stored.length);
    const failed = await cloud.rows(end, 'failed');
    expect(failed.map(({ key }) => key).toSorted()).toEqual(
      Array.from({ length: ROWS }, (_, row) => keyOf('late', row)).filter((key) => !stored.includes(key)),
    );
    for (const row of failed) {
      expect(row).toMatchObject({ spillway_code: 'Lost', text: expect.stringContaining('of late') });
      expect(row['spillway_place']).toMatch(/^line [1-9]/);
    }

    const goneEnd = await cloud.ended(gone, 200_000);
    expect(goneEnd).toMatchObject({ rows: ROWS + 1, stored: 0, unaccounted: 0 });
    const byPlace = (await cloud.rows(goneEnd, 'failed')).filter((row) =>
      String(row['spillway_message']).includes('the manifest could not be read'),
    );
    expect(byPlace.length).toBeGreaterThan(0);
  });
});
