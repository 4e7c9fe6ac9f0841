// Commands whose files can't be written: their result is printed all the same, nothing is left half written.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOB_ID } from '../helpers/records.ts';
import { serve } from '../helpers/serve.ts';

const shell = promisify(execFile);
const BIN = path.resolve('cli/bin.js');
const REPORT = `jobs/${JOB_ID}/manifest.json`;
const ROWS = '{"key":"a"}\n';

let work: string;
const servers: (() => void)[] = [];

beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-cli-files-'));
});

afterEach(async () => {
  for (const close of servers.splice(0)) close();
  await rm(work, { recursive: true, force: true });
});

/** No file may grow above 0 bytes, so that each write to one fails, as on a full disk. Pipes take what they always take. */
async function runOnFullDisk(args: string[]) {
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
  };
  const call = ['-c', 'ulimit -f 0; exec "$0" "$@"', process.execPath, BIN, ...args];
  const { code, stdout, stderr } = await shell('sh', call, { cwd: work, env }).then(
    (told) => ({ code: 0, ...told }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  return { code, result: JSON.parse(stdout) as Record<string, unknown>, stderr };
}

/** Job and report, as API and S3 on one port. */
async function serveReport(): Promise<string> {
  const sha256 = createHash('sha256').update(ROWS).digest('hex');
  const file = { kind: 'failed', key: `jobs/${JOB_ID}/failed/0.ndjson`, rows: 1, bytes: ROWS.length, sha256 };
  const answers: Record<string, string> = {
    [`/jobs/${JOB_ID}`]: JSON.stringify({
      job: JOB_ID,
      state: 'completed',
      manifest: 's3://inbox/a.csv',
      startedAt: '2026-01-01T00:00:00Z',
      rows: 1,
      stored: 0,
      skipped: 0,
      failed: 1,
      cancelled: 0,
      rejected: 0,
      unaccounted: 0,
      report: `s3://reports/${REPORT}`,
    }),
    [`/reports/${REPORT}`]: JSON.stringify({ version: 1, files: [file] }),
    [`/reports/${file.key}`]: ROWS,
  };
  const { url, close } = await serve(({ url: asked = '' }, response) => {
    const text = answers[new URL(asked, 'http://host').pathname];
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(text);
  });
  servers.push(close);
  return url;
}

async function filesLeft(): Promise<string[]> {
  const entries = await readdir(work, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('files that cannot be written', () => {
  it("of the demo leave its result, and say where they weren't written and what to do", async () => {
    const { code, result, stderr } = await runOnFullDisk(['demo', '--files', '5', '--json']);
    expect(code).toBe(1);
    expect(result).toMatchObject({ state: 'completed', rows: 5, stored: 5, unaccounted: 0, report: null });
    expect(stderr).toContain('All 5 rows are stored, each accounted for once.');
    expect(stderr).toMatch(
      /\nspillway: \.spillway\/demo\/\w+\/\S+ was not written: [^\n]+ \(EFBIG\)\. Run the demo in another folder\n$/,
    );
    expect(await filesLeft()).toEqual([]);
  });

  it('of a simulation leave its measures', async () => {
    const args = ['simulate', '--workers', '1', '--seconds', '10', '--out', 'out', '--json'];
    const { code, result, stderr } = await runOnFullDisk(args);
    expect(code).toBe(1);
    expect(result).toMatchObject({ workers: 1 });
    expect(stderr).toMatch(
      /^spillway: out\/seconds\.ndjson was not written: [^\n]+\. Name another folder with --out\n$/,
    );
    expect(await filesLeft()).toEqual([]);
  });

  it('of a report do not hide its summary', async () => {
    const url = await serveReport();
    const args = ['report', JOB_ID, '--api', url, '--endpoint-url', url, '--out', 'out', '--json'];
    const { code, result, stderr } = await runOnFullDisk(args);
    expect(code).toBe(1);
    expect(result).toMatchObject({ job: JOB_ID, files: [{ rows: 1 }], unstored: [{ key: 'a' }] });
    expect(result).not.toHaveProperty('out');
    expect(stderr).toMatch(
      /^spillway: out\/failed\/0\.ndjson was not written: [^\n]+\. Name another folder with --out\n$/,
    );
    expect(await filesLeft()).toEqual([]);
  });
});
