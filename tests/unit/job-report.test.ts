// The report of a job, where another job's report may lie already.
import { describe, expect, it } from 'vitest';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import type { EndedJob, Job } from '../../shared/job/job.ts';
import { writeJobReport } from '../../shared/report/report.ts';
import { aJob, JOB_ID } from '../helpers/records.ts';

const ended = (change: Partial<Job> = {}): EndedJob => ({ ...aJob(change), state: 'completed' });
const REPORT = `jobs/${JOB_ID}/manifest.json`;

describe("a job's manifest.json", () => {
  it('is written again by the same job', async () => {
    const s3 = createMemoryS3();
    const reports = { s3: s3.client, bucket: 'reports' };
    const first = await writeJobReport(reports, ended(), []);
    const body = s3.read('reports', REPORT);
    expect(await writeJobReport(reports, ended(), [])).toEqual(first);
    expect(first.report).toBe(`s3://reports/${REPORT}`);
    expect(s3.read('reports', REPORT)).toEqual(body);
    expect(s3.keys('reports')).toEqual([REPORT]);
  });

  it.each([
    { what: 'version', manifest: { ...aJob().manifest, versionId: 'v2' } },
    { what: 'key', manifest: { ...aJob().manifest, key: 'other.csv' } },
    {
      what: 'drop without a version',
      manifest: { bucket: 'inbox', key: 'list.csv', sequencer: '0A', sizeBytes: 1, etag: '"e"' },
    },
  ])('is never written over by a job of another $what, which is written beside it', async ({ manifest }) => {
    const s3 = createMemoryS3();
    const reports = { s3: s3.client, bucket: 'reports' };
    await writeJobReport(reports, ended(), []);
    const body = s3.read('reports', REPORT);
    const later = ended({ manifest, startedAtMs: 5_000 });
    const { report } = await writeJobReport(reports, later, []);
    expect(report).toBe(`s3://reports/jobs/${JOB_ID}/manifest-5000.json`);
    expect(s3.read('reports', REPORT)).toEqual(body);
    expect(JSON.parse(String(s3.read('reports', `jobs/${JOB_ID}/manifest-5000.json`)))).toMatchObject({
      manifest,
    });
  });
});
