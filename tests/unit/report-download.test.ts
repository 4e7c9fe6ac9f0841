// Files of a report that can't be saved, by spillway report --out and by the demo.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { saveReport } from '../../cli/demo/save-report.ts';
import { downloadReport } from '../../cli/report/download.ts';
import { openObject, type Report } from '../../cli/report/read.ts';

let work: string;
beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-report-'));
});
afterEach(async () => {
  await rm(work, { recursive: true, force: true });
});

const report: Report = {
  bucket: 'reports',
  key: 'jobs/a/manifest.json',
  text: '{}',
  files: [{ kind: 'failed', key: 'jobs/a/failed/0.ndjson', rows: 1, bytes: 4, sha256: 'x' }],
};

function s3Of(body: Readable): S3Client {
  return { send: async () => ({ Body: body }) } as unknown as S3Client;
}

function unread(): Readable {
  return new Readable({ read: () => undefined });
}

it('lets go of an answer whose file has no place to be written', async () => {
  const body = unread();
  await writeFile(path.join(work, 'taken'), '');
  const saving = downloadReport(s3Of(body), report, path.join(work, 'taken'), () => undefined);
  await expect(saving).rejects.toThrow(/was not written: .*Name another folder with --out/);
  expect(body.destroyed).toBe(true);
});

it('lets go of it in the demo, too, and says why the report is not saved', async () => {
  const body = unread();
  const s3 = { send: async () => ({ Contents: [{ Key: 'jobs/a\0/manifest.json' }], Body: body }) };
  const saved = await saveReport(s3 as unknown as S3Client, 'reports', 'a\0');
  expect(saved).toMatchObject({
    kind: 'unsaved',
    failure: { message: expect.stringMatching(/was not written: .*run the demo in another folder/i) },
  });
  expect(body.destroyed).toBe(true);
});

it('reports an answer that is cut off before it is read to its reader, and to nothing else', async () => {
  const body = unread();
  const opened = await openObject(s3Of(body), 'reports', 'jobs/a/failed/0.ndjson');
  body.destroy(new Error('aborted'));
  // Without a listener the error would end the process here.
  await setImmediate();
  await expect(opened.toArray()).rejects.toThrow('aborted');
});
