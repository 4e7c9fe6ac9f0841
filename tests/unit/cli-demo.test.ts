// What the demo checks, and what it says where something is not as it should be.
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { chooseFiles } from '../../cli/demo/files.ts';
import { readBack } from '../../cli/demo/read-back.ts';
import { isSound, resultOf, summaryOf } from '../../cli/demo/result.ts';
import { stageFiles } from '../../cli/demo/stage.ts';
import type { JobEnd } from '../../cli/job-end.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { emptyTotals } from '../../shared/job/job.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const BUCKET = 'bucket';

let folder: string;
beforeEach(async () => {
  folder = await folderOfTest();
  for (const name of ['b', 'a/2', 'a/1', '.hidden']) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), name);
  }
  await symlink(folder, path.join(folder, 'loop'));
});

describe('the choice of files', () => {
  it('walks a folder in order, hidden files with it, and follows no link', async () => {
    expect(await chooseFiles(folder, 10)).toEqual({
      folder,
      keys: ['.hidden', 'a/1', 'a/2', 'b'],
      isCut: false,
    });
  });

  it('says when there are more than were asked for', async () => {
    expect(await chooseFiles(folder, 3)).toMatchObject({ keys: ['.hidden', 'a/1', 'a/2'], isCut: true });
    expect(await chooseFiles(folder, 4)).toMatchObject({ isCut: false });
  });
});

describe('staging', () => {
  it('puts each file with its bytes', async () => {
    const s3 = createMemoryS3();
    const staged = await stageFiles(s3.client, BUCKET, await chooseFiles(folder, 10), () => {});
    expect(staged.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([
      ['.hidden', 7],
      ['a/1', 3],
      ['a/2', 3],
      ['b', 1],
    ]);
    expect(String(s3.read(BUCKET, 'a/1'))).toBe('a/1');
  });

  it('names a file that is gone by then, and what to do', async () => {
    const files = await chooseFiles(folder, 10);
    await rm(path.join(folder, 'a/2'));
    await expect(stageFiles(createMemoryS3().client, BUCKET, files, () => {})).rejects.toThrow(
      /a\/2 does not exist: it was deleted since the folder was read/,
    );
  });
});

describe('reading back', () => {
  it('names what is missing, what differs, and what no row explains', async () => {
    const s3 = createMemoryS3();
    const staged = await stageFiles(s3.client, BUCKET, await chooseFiles(folder, 10), () => {});
    s3.remove(BUCKET, 'a/1');
    s3.write(BUCKET, 'b', 'B');
    s3.write(BUCKET, 'stray', '');
    const checked = await readBack(
      { s3: s3.client, clock: systemClock },
      staged,
      { options: { destination: { bucket: BUCKET, prefix: '' }, spread: 'off' }, readsPerSecond: 1000 },
      () => {},
    );
    expect(checked.right).toBe(2);
    expect(checked.faults).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'missing', key: 'a/1', detail: 'NoSuchKey' }),
        expect.objectContaining({ kind: 'different', key: 'b' }),
        { kind: 'extra', destination: 'stray' },
      ]),
    );

    const result = resultOf({
      end: end({ rows: 4, stored: 4 }),
      droppedAtMs: 0,
      usage,
      givenBack,
      limitPerSecond: 10,
      partitions: 1,
      checked,
      report: 'r',
    });
    expect(isSound(result, checked)).toBe(false);
    const summary = String(summaryOf(result, checked, { examples: [], rerun: 'again' }));
    expect(summary).toContain('NOT every row is accounted for');
    expect(summary).toContain('missing: a/1');
    expect(summary).toContain('extra: stray');
    expect(result).toMatchObject({ returned: 12, reposted: 3, givenBack });
    expect(summary).toMatch(/refused +5 times back to the queue by visibility, 1 as a delayed new message/);
    expect(summary).toMatch(
      /no turn yet +7 times back to the queue by visibility, 2 as a delayed new message/,
    );
  });

  it('says nothing of refused objects where S3 refused none', () => {
    const checked = { right: 4, faults: [] };
    const result = resultOf({
      end: end({ rows: 4, stored: 4 }),
      droppedAtMs: 0,
      usage,
      givenBack: { ...givenBack, refused: { returned: 0, reposted: 0 } },
      limitPerSecond: 10,
      partitions: 1,
      checked,
      report: 'r',
    });
    const summary = String(summaryOf(result, checked, { examples: [], rerun: 'again' }));
    expect(summary).toContain('never: S3 took every request at once');
    expect(summary).not.toMatch(/refused|tried again/);
  });

  it.each([
    { title: 'a row without an end', end: end({ rows: 2, stored: 1, unaccounted: 1 }) },
    { title: 'a job that failed', end: end({ rows: 0, state: 'failed' }) },
  ])('is not content with $title', ({ end }) => {
    const checked = { right: end.stored, faults: [] };
    const result = resultOf({
      end,
      droppedAtMs: 0,
      usage,
      givenBack,
      limitPerSecond: 10,
      partitions: 1,
      checked,
      report: 'r',
    });
    expect(isSound(result, checked)).toBe(false);
  });
});

const givenBack = { refused: { returned: 5, reposted: 1 }, untried: { returned: 7, reposted: 2 } };

const usage = {
  destination: { requests: 4, accepted: 4, throttled: 0, failed: 0, bytesIn: 0, bytesOut: 0 },
  s3: { writes: 0, reads: 0 },
  sqs: { billedUnits: 0, byFunctions: 0, requests: 0 },
  dynamodb: { requests: 0, readUnits: 0, writeUnits: 0 },
  lambda: {},
  logBytes: 0,
};

function end(counts: Partial<JobEnd>): JobEnd {
  return {
    ...emptyTotals(),
    job: 'job',
    state: 'completed',
    unaccounted: 0,
    manifest: { bucket: 'inbox', key: 'demo.csv' },
    endedAtMs: 1000,
    ...counts,
  };
}
