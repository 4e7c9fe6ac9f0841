// What becomes of the multipart uploads that are open when `put` ends.
import { describe, expect, it } from 'vitest';
import { rememberOpenUploads } from '../../cli/put/open-uploads.ts';
import { resultOf, summaryOf } from '../../cli/put/result.ts';
import { emptyTally } from '../../cli/put/tally.ts';
import { createRandom } from '../../shared/time/random.ts';
import type { MultipartWriter } from '../../shared/transfer/multipart-writer.ts';
import type { ObjectWrite } from '../../shared/transfer/object-writer.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const SLOW_DOWN = Object.assign(new Error('Reduce your request rate.'), { name: 'SlowDown' });
const DENIED = Object.assign(new Error('Access Denied'), {
  name: 'AccessDenied',
  $metadata: { httpStatusCode: 403 },
});
const WITHIN_MS = 2_500;

const writeOf = (key: string): ObjectWrite => ({
  destination: { bucket: 'b', key },
  ifExists: 'overwrite',
});

/** @param abort what S3 answers to the nth abort, from 1 */
function createSetting({ beginMs = 0, abort = async () => {} }: Partial<Behaviour> = {}) {
  const clock = createVirtualClock();
  const aborted: string[] = [];
  let aborts = 0;
  const writer = {
    async begin({ destination }: ObjectWrite) {
      await clock.sleep(beginMs);
      return `id of ${destination.key}`;
    },
    complete: async () => ({ etag: '"e"' }),
    async abort(_: ObjectWrite, uploadId: string) {
      aborts++;
      await abort(aborts);
      aborted.push(uploadId);
    },
  } as Partial<MultipartWriter> as MultipartWriter;
  const { uploads, abortAll } = rememberOpenUploads({ uploads: writer, clock, random: createRandom(4) });
  return { clock, uploads, aborted, abortAll: () => abortAll(clock.now() + WITHIN_MS), asked: () => aborts };
}

interface Behaviour {
  beginMs: number;
  abort(count: number): Promise<void>;
}

describe('the uploads that are open at the end', () => {
  it('are aborted, and no other', async () => {
    const { uploads, abortAll, aborted } = createSetting();
    const { signal } = new AbortController();
    for (const key of ['open', 'completed', 'aborted']) await uploads.begin(writeOf(key));
    await uploads.complete(writeOf('completed'), 'id of completed', [], signal);
    await uploads.abort(writeOf('aborted'), 'id of aborted');
    expect(await abortAll()).toEqual([]);
    expect(aborted).toEqual(['id of aborted', 'id of open']);
    expect(await abortAll()).toEqual([]);
    expect(aborted).toHaveLength(2);
  });

  it('are aborted though S3 is throttling', async () => {
    const { uploads, abortAll, aborted } = createSetting({
      abort: async (count) => {
        if (count <= 4) throw SLOW_DOWN;
      },
    });
    await uploads.begin(writeOf('a'));
    expect(await abortAll()).toEqual([]);
    expect(aborted).toEqual(['id of a']);
  });

  it('are awaited where they are just being begun', async () => {
    const { uploads, abortAll, aborted } = createSetting({ beginMs: 400 });
    const begun = uploads.begin(writeOf('late'));
    expect(await abortAll()).toEqual([]);
    expect(aborted).toEqual([await begun]);
  });

  it.each([
    {
      title: 'that S3 refuses to abort',
      answer: () => Promise.reject(DENIED),
      code: 'AccessDenied',
      most: 1,
    },
    {
      title: 'that S3 throttles to the last',
      answer: () => Promise.reject(SLOW_DOWN),
      code: 'SlowDown',
      most: 40,
    },
    {
      title: 'that S3 says nothing of',
      answer: () => new Promise<void>(() => {}),
      code: 'NoAnswer',
      most: 1,
    },
  ])('$title are told in time', async ({ answer, code, most }) => {
    const { clock, uploads, abortAll, asked } = createSetting({ abort: answer });
    await uploads.begin(writeOf('a'));
    const before = clock.now();
    expect(await abortAll()).toMatchObject([{ bucket: 'b', key: 'a', uploadId: 'id of a', code }]);
    expect(clock.now() - before).toBeLessThanOrEqual(WITHIN_MS);
    expect(asked()).toBeLessThanOrEqual(most);
  });

  it('are shown to people with what ends them, and to programs', () => {
    const left = {
      bucket: 'b',
      key: 'odd\u001bname',
      uploadId: 'id-1',
      code: 'AccessDenied',
      message: 'Access Denied',
    };
    const run = {
      job: 'put-1',
      state: 'interrupted' as const,
      destination: 's3://b/',
      tally: { ...emptyTally(), rows: 1 },
      seconds: 2,
      openUploads: [left],
    };
    const told = String(summaryOf(run, 'off'));
    expect(told).toContain('abort-multipart-upload');
    expect(told).toContain('upload id id-1');
    expect(told).toContain('Access Denied (AccessDenied)');
    // A name must not steer the terminal.
    expect(told).not.toContain('\u001b');
    expect(resultOf(run).openUploads).toEqual([left]);
  });
});
