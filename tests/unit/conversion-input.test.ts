// What a conversion may look up: objects of the inbox and of the allowed source buckets.
import { describe, expect, it } from 'vitest';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { createConversionInput } from '../../shared/blocks/conversion-input.ts';
import { failing, refusal } from '../helpers/failing.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const MANIFEST = { bucket: 'inbox', key: 'manifest.json', versionId: 'v1', etag: '"m"', sizeBytes: 2 };

function open(fault?: Error) {
  const memory = createMemoryS3();
  memory.write('inventories', 'data/1.csv.gz', 'four');
  const s3 = failing(memory.client, () =>
    fault === undefined ? undefined : { when: 'before', error: fault },
  );
  const reader = { s3, clock: createVirtualClock(), random: () => 0 };
  const start = { bytes: Buffer.from('{}'), sizeBytes: 2 };
  return createConversionInput(reader, MANIFEST, start, ['inventories']);
}

describe('an object that a manifest names', () => {
  it('is found with its size, and what it must still be when it is read', async () => {
    const input = open();
    const found = await input.find({ bucket: 'inventories', key: 'data/1.csv.gz' });
    expect(found).toEqual({
      kind: 'found',
      file: { bucket: 'inventories', key: 'data/1.csv.gz', sizeBytes: 4, etag: expect.stringMatching(/^"/) },
    });
    if (found.kind !== 'found') return;
    expect(Buffer.concat(await Array.fromAsync(input.read(found.file, 1, 3))).toString()).toBe('ou');
    await expect(Array.fromAsync(input.read({ ...found.file, etag: '"other"' }, 0, 4))).rejects.toMatchObject(
      {
        code: 'ManifestGone',
        message: expect.stringContaining('s3://inventories/data/1.csv.gz was deleted or replaced'),
      },
    );
  });

  it('may be missing', async () => {
    expect(await open().find({ bucket: 'inbox', key: 'none' })).toEqual({ kind: 'missing' });
  });

  it('is refused in any other bucket, with the remedy', async () => {
    expect(await open().find({ bucket: 'reports', key: 'x' })).toEqual({
      kind: 'refused',
      message: 'the bucket "reports" is not among sourceBuckets: add it there, and deploy',
    });
  });

  it('is missing where S3 does not say whether it is there', async () => {
    const denied = refusal('AccessDenied', 403);
    expect(await open(denied).find({ bucket: 'inventories', key: 'x' })).toEqual({ kind: 'missing' });
  });

  it('has its other faults passed on', async () => {
    const failed = refusal('InternalError', 500);
    await expect(open(failed).find({ bucket: 'inventories', key: 'x' })).rejects.toBe(failed);
  });
});
