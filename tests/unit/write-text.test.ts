// Text of unknown length as one object: what is held of it does not grow with it.
import type { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { PART_BYTES, writeText } from '../../functions/ingest/write-text.ts';

const PARTS = 12;
/** Four parts on their way, and the one that fills. */
const MOST_BUFFERS = 5;

/** Bytes that say in which part they are. */
async function* text(): AsyncGenerator<Uint8Array> {
  for (let part = 1; part <= PARTS; part++) {
    const chunk = Buffer.alloc(PART_BYTES / 4, part);
    for (let quarter = 0; quarter < 4; quarter++) yield chunk;
  }
}

it('uses a part again once S3 has taken it, and not before', async () => {
  const buffers = new Set<ArrayBufferLike>();
  const answered: number[] = [];
  const waiting: (() => void)[] = [];
  const send = async ({ input }: { input: { Body?: Uint8Array; PartNumber?: number } }) => {
    const { Body, PartNumber } = input;
    if (Body !== undefined && PartNumber !== undefined) {
      buffers.add(Body.buffer);
      // The first parts are answered once four of them wait, the newest first.
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 4 || PartNumber > PARTS - 4)
          for (const next of waiting.splice(0).reverse()) next();
      });
      expect(new Set([Body[0], Body[PART_BYTES / 2], Body[PART_BYTES - 1]])).toEqual(new Set([PartNumber]));
      answered.push(PartNumber);
    }
    return { UploadId: 'upload', ETag: '"etag"' };
  };
  const s3 = { send, config: { requestChecksumCalculation: async () => 'WHEN_SUPPORTED' } };
  const end = await writeText(
    s3 as unknown as S3Client,
    { bucket: 'reports', key: 'unit' },
    text(),
    async () => true,
  );
  expect(end).toBe('written');
  expect(answered.toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: PARTS }, (_, index) => index + 1),
  );
  expect(buffers.size).toBeLessThanOrEqual(MOST_BUFFERS);
});
