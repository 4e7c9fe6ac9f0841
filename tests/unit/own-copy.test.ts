// Whether the object at the destination is our own copy, by what S3 shows of it and of its source.
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import type { SourceHeads } from '../../shared/aws/source-heads.ts';
import { findOwnCopy } from '../../shared/sources/s3-copy/own-copy.ts';

const SOURCE = { bucket: 'source', key: 'a' };
const DESTINATION = { bucket: 'destination', key: 'a' };

type Head = Omit<HeadObjectCommandOutput, '$metadata'>;

async function isOurs(found: Head, original: Head): Promise<boolean> {
  const heads = {
    head: async ({ bucket }: { bucket: string }) => ({
      ContentLength: 3,
      ...(bucket === SOURCE.bucket ? original : found),
    }),
  } as unknown as SourceHeads;
  return (
    (await findOwnCopy(heads, { source: SOURCE, destination: DESTINATION, ifExists: 'fail' }, undefined)) !==
    undefined
  );
}

it.each<{ what: string; found: Head; original: Head; ours: boolean }>([
  {
    what: 'the same checksum of the whole, and others of other parts, where nothing says what they are of',
    found: { ChecksumCRC64NVME: 'x', ChecksumSHA256: 'whole', ETag: '"1"' },
    original: { ChecksumCRC64NVME: 'x', ChecksumSHA256: 'parts-3', ETag: '"2-3"' },
    ours: true,
  },
  {
    what: 'another checksum',
    found: { ChecksumSHA256: 'x', ETag: '"1"' },
    original: { ChecksumSHA256: 'y', ETag: '"1"' },
    ours: false,
  },
  {
    what: 'checksums of parts, and the same ETag',
    found: { ChecksumSHA256: 'x-1', ChecksumType: 'COMPOSITE', ETag: '"1-1"' },
    original: { ChecksumSHA256: 'y-2', ChecksumType: 'COMPOSITE', ETag: '"1-1"' },
    ours: true,
  },
])('an object with $what is our own copy: $ours', async ({ found, original, ours }) => {
  expect(await isOurs(found, original)).toBe(ours);
});
