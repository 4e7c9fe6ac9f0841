// A job as the command shows it on a terminal.
import { describe, expect, it } from 'vitest';
import { factsText } from '../../cli/jobs/job-text.ts';
import type { Job } from '../../shared/job/job.ts';
import { viewJob } from '../../shared/job/view.ts';
import { anEndedWithoutOptions, anUnopenedJob, aRunningJob, JOB_OPTIONS } from '../helpers/records.ts';

const textOf = (job: Job) => String(factsText(viewJob(job), Date.UTC(2026, 0, 1)));

describe('a job on a terminal', () => {
  it.each([
    ['runs', aRunningJob()],
    ['failed after its options were read', anUnopenedJob({ options: JOB_OPTIONS })],
  ])('that %s says where it writes to', (_, job) => {
    expect(textOf(job)).toContain('s3://destination (spread off)');
  });

  it.each([
    ['is about to fail', anUnopenedJob()],
    ['has failed', anEndedWithoutOptions()],
  ])('that %s, and whose options were not read, says why, and of no destination', (_, job) => {
    expect(textOf(job)).toContain('its options can not be read (InvalidOptions)');
    expect(textOf(job)).not.toContain('writes to');
  });
});
