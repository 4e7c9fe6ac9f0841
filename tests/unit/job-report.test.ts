// The report of a job, where another job's report may lie already.
import { describe, expect, it } from 'vitest';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import type { JobId } from '../../shared/job/identity.ts';
import type { EndedJob } from '../../shared/job/job.ts';
import { writeJobReport } from '../../shared/report/report.ts';
import { anEndedJob, anEndedWithoutOptions, JOB_ID, JOB_OPTIONS } from '../helpers/records.ts';

const ended = anEndedJob;
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

  it('has the options of its job, or none where the job failed before they were read', async () => {
    const s3 = createMemoryS3();
    const reports = { s3: s3.client, bucket: 'reports' };
    const reportOf = async (job: EndedJob) => {
      const { report } = await writeJobReport(reports, job, []);
      return JSON.parse(String(s3.read('reports', report.slice('s3://reports/'.length))));
    };
    expect(await reportOf(ended())).toMatchObject({ state: 'completed', options: JOB_OPTIONS });
    const failed = await reportOf({ ...anEndedWithoutOptions(), id: 'other-job-0001' as JobId });
    expect(failed).toMatchObject({ state: 'failed', fault: { code: 'InvalidOptions' }, files: [] });
    expect(failed).not.toHaveProperty('options');
  });

  it.each([
    { what: 'version', manifest: { ...anEndedJob().manifest, versionId: 'v2' } },
    { what: 'key', manifest: { ...anEndedJob().manifest, key: 'other.csv' } },
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
