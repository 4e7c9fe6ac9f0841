// Reading a stretch of an object whose answers break off: the bytes are those of the object, or there is an error.
import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { GetObjectCommandInput } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { type ObjectReader, readRange } from '../../shared/aws/object-range.ts';
import { meddled, refusal } from '../helpers/failing.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const BYTES = Buffer.from(Array.from({ length: 200 }, (_, index) => index));
const ETAG = `"${hash('md5', BYTES)}"`;
const OBJECT = { bucket: 'inbox', key: 'list.csv', etag: ETAG };
const reset = () => Object.assign(new Error('aborted'), { code: 'ECONNRESET' });

/** @param answers how many bytes each answer brings before it breaks off; or the error that refuses it. Then all are whole */
function start(answers: readonly (number | Error)[], isSilent = false) {
  const asked: { range: string | undefined; ifMatch: string | undefined; versionId: string | undefined }[] =
    [];
  const memory = createMemoryS3({ versioned: ['inbox'] });
  memory.write(OBJECT.bucket, OBJECT.key, BYTES);
  const s3 = meddled(memory.client, async (command, pass) => {
    const { Range, IfMatch, VersionId } = command.input as GetObjectCommandInput;
    const answer = answers[asked.length];
    asked.push({ range: Range, ifMatch: IfMatch, versionId: VersionId });
    if (answer instanceof Error) throw answer;
    const brought = answer;
    const { Body } = (await pass()) as { Body: { transformToByteArray(): Promise<Uint8Array> } };
    const whole = await Body.transformToByteArray();
    async function* chunks() {
      yield whole.subarray(0, brought);
      // A connection that is closed in time looks like an end.
      if (brought !== undefined && !isSilent) throw reset();
    }
    return { Body: Readable.from(chunks(), { objectMode: false }) };
  });
  const reader: ObjectReader = {
    s3,
    clock: createVirtualClock(),
    random: () => 0.5,
  };
  const read = async (from: number, to: number) =>
    Buffer.concat(await Array.fromAsync(readRange(reader, OBJECT, from, to)));
  return { read, reader, asked };
}

describe('reading a range', () => {
  it.each([false, true])(
    'goes on where an answer broke off (told by its length alone: %s)',
    async (isSilent) => {
      const { read, asked } = start([10, 5, 0, 0, 0, 1], isSilent);
      expect(await read(20, 120)).toEqual(BYTES.subarray(20, 120));
      expect(asked.map(({ range }) => range)).toEqual([
        'bytes=20-119',
        'bytes=30-119',
        'bytes=35-119',
        'bytes=35-119',
        'bytes=35-119',
        'bytes=35-119',
        'bytes=36-119',
      ]);
      expect(asked.every(({ ifMatch }) => ifMatch === ETAG)).toBe(true);
    },
  );

  it('reads the same whatever breaks, as long as no four answers in a row bring nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 30 }),
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 200 }),
        async (answers, from, to) => {
          const neverFourEmpty = answers.filter(
            (bytes, index) =>
              bytes > 0 || answers.slice(Math.max(0, index - 3), index).some((each) => each > 0),
          );
          const { read } = start(neverFourEmpty);
          expect(await read(from, to)).toEqual(BYTES.subarray(from, Math.max(from, to)));
        },
      ),
    );
  });

  it('gives up after four answers in a row that bring nothing', async () => {
    const { read, asked } = start([3, 0, 0, 0, 0]);
    await expect(read(0, 50)).rejects.toThrow('aborted');
    expect(asked).toHaveLength(5);
  });

  it.each([refusal('AccessDenied', 403), refusal('PreconditionFailed', 412), refusal('NoSuchKey', 404)])(
    'does not ask again where it is refused: $name',
    async (error) => {
      const { read, asked } = start([7, error]);
      await expect(read(0, 50)).rejects.toThrow(error.name);
      expect(asked).toHaveLength(2);
    },
  );

  it('names the version where there is one', async () => {
    const { reader, asked } = start([]);
    await Array.fromAsync(readRange(reader, { ...OBJECT, versionId: 'v1' }, 0, 5));
    expect(asked).toEqual([{ range: 'bytes=0-4', ifMatch: undefined, versionId: 'v1' }]);
  });

  it('asks for nothing where the stretch is empty', async () => {
    const { read, asked } = start([]);
    expect(await read(5, 5)).toEqual(Buffer.alloc(0));
    expect(asked).toEqual([]);
  });
});
