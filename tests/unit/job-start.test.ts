// A manifest's first sight: which job it starts, and why one is not taken.
import { describe, expect, it } from 'vitest';
import { startJob } from '../../functions/ingest/open-job.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { dropJobId, type JobId, jobIdOfManifest, type ManifestArrival } from '../../shared/job/identity.ts';
import { isManifestOf, takenJob } from '../../shared/job/unopened-job.ts';
import { startingWith } from '../helpers/starting.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const NAMED = 'customers-0001' as JobId;
const KEY = `api/${NAMED}/manifest`;
const NOW_MS = 1_000;

function open(keepDays = 100) {
  const s3 = createMemoryS3({ versioned: ['inbox'] });
  const start = (arrival: ManifestArrival) =>
    startJob(
      startingWith(
        { s3: s3.client, clock: createVirtualClock(), random: () => 0 },
        { keepDays, nowMs: NOW_MS },
      ),
      arrival,
    );
  const etagOf = async (key: string) => {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    return (await s3.client.send(new HeadObjectCommand({ Bucket: 'inbox', Key: key }))).ETag ?? '';
  };
  return { s3, start, etagOf };
}

describe('a manifest at first sight', () => {
  it('starts a job without a version id, and reads what its ETag names', async () => {
    const { s3, start, etagOf } = open();
    s3.write('inbox', 'a.csv', 'key,text\nx,1\n');
    const arrival = { bucket: 'inbox', key: 'a.csv', etag: await etagOf('a.csv'), sequencer: '0A' };
    const job = await start(arrival);
    expect(job).toMatchObject({ id: dropJobId(arrival), state: 'planning', manifest: { sequencer: '0A' } });
    expect(job.manifest.versionId).toBeUndefined();
    expect(isManifestOf(job, arrival)).toBe(true);
    expect(isManifestOf(job, { ...arrival, sequencer: '0B' })).toBe(false);
  });

  it('fails where it would end after its outcomes expire, and else starts', async () => {
    const { s3, start, etagOf } = open(15);
    const dropped = async (days: number) => {
      const metadata = { 'spillway-deadline-seconds': String(days * 86_400) };
      s3.write('inbox', 'a.csv', 'key,text\nx,1\n', { metadata });
      return start({ bucket: 'inbox', key: 'a.csv', etag: await etagOf('a.csv'), sequencer: `0${days}` });
    };
    expect(await dropped(14)).toMatchObject({ state: 'planning' });
    expect(await dropped(15)).toMatchObject({
      state: 'unopened',
      fault: {
        code: 'InvalidOptions',
        message: expect.stringMatching(/is 1296000.*15 days.*give 1209600 at most.*reportDays/),
      },
    });
  });

  it('fails where it was replaced before it was read, and no version of it was kept', async () => {
    const { s3, start, etagOf } = open();
    s3.write('inbox', 'a.csv', 'key,text\nx,1\n');
    const etag = await etagOf('a.csv');
    s3.write('inbox', 'a.csv', 'key,text\ny,2\n');
    const job = await start({ bucket: 'inbox', key: 'a.csv', etag, sequencer: '0A' });
    expect(job).toMatchObject({
      state: 'unopened',
      fault: {
        code: 'ManifestGone',
        message: expect.stringContaining('replaced or deleted before it was read'),
      },
    });
  });

  it('is not taken under an id whose report is there, though the row of its job has expired', async () => {
    const { s3, start } = open();
    s3.write('inbox', KEY, 'key,text\nx,1\n');
    const arrival = { bucket: 'inbox', key: KEY, versionId: 'v1' };
    expect(await start(arrival)).toMatchObject({ id: NAMED, state: 'planning' });
    s3.write('reports', `jobs/${NAMED}/manifest.json`, '{}');
    const refused = await start(arrival);
    expect(refused).toEqual(takenJob(arrival, NAMED, NOW_MS));
    expect(refused).toMatchObject({
      id: dropJobId(arrival),
      state: 'unopened',
      fault: { code: 'JobIdTaken' },
    });
    expect(jobIdOfManifest(arrival)).toBe(NAMED);
  });
});
