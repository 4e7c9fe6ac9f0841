// `spillway demo` by the machine's own clock: while S3 throttles it, and where it is ended while it uploads.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endsWhole } from '../helpers/demo-end.ts';
import { runSpillway } from '../helpers/spillway.ts';

let work: string;
beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-demo-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

describe('spillway demo', () => {
  it('meets SlowDown and still ends with every row, in a summary for people', async () => {
    const { code, stdout, stderr } = await runSpillway(
      ['demo', '--files', '150', '--limit', '30', '--spread', 'hex:1'],
      { cwd: work },
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('All 150 rows are stored, each accounted for once.');
    expect(stdout).toMatch(/\d times S3 said SlowDown/);
    expect(stdout).toMatch(/s3:\/\/[^/]+\/[0-9a-f]\//);
    expect(stdout).toContain(path.join('.spillway', 'demo'));
    expect(stderr).toContain('uploading');
  });

  it.each([
    ['while it uploads', 'SIGINT'],
    ['when it is told to terminate', 'SIGTERM'],
  ] as const)('ends with 130 and nothing left %s', (_, signal) => endsWhole(work, 'uploading', signal));
});
