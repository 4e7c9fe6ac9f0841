// Has S3 check who owns a bucket. A bucket that is deleted leaves its name to any account: without the check, the next owner
// would receive the objects, or provide them.
import type { S3Client } from '@aws-sdk/client-s3';

/** @returns the id of the account that must own the bucket; undefined where the owner is not known */
export type OwnerOf = (bucket: string) => string | undefined;

const OWNER_HEADER = 'x-amz-expected-bucket-owner';
const SOURCE_OWNER_HEADER = 'x-amz-source-expected-bucket-owner';

/** Writes past the SDK, and clients made for another region, expect the same owners as the client they come from. */
const expectations = new WeakMap<object, OwnerOf>();

/** @returns the same client, whose requests S3 answers with 403 where another account owns the bucket */
export function expectOwners(s3: S3Client, ownerOf: OwnerOf): S3Client {
  expectations.set(s3, ownerOf);
  s3.middlewareStack.add(
    (next) => (args) => {
      const { Bucket: bucket, CopySource: source } = args.input as { Bucket?: string; CopySource?: string };
      const { headers } = args.request as { headers: Record<string, string> };
      Object.assign(headers, ownerHeaders(s3, bucket, source));
      return next(args);
    },
    { step: 'build', name: 'expectOwners' },
  );
  return s3;
}

/** What a client expects; undefined where it expects no owners. */
export function ownersOf(s3: object): OwnerOf | undefined {
  return expectations.get(s3);
}

/** @param source header of a copy: BUCKET/KEY, encoded */
export function ownerHeaders(
  s3: object,
  bucket: string | undefined,
  source: string | undefined,
): Record<string, string> {
  const ownerOf = expectations.get(s3);
  if (ownerOf === undefined) return {};
  const owner = bucket === undefined ? undefined : ownerOf(bucket);
  const sourceOwner = source === undefined ? undefined : ownerOf(bucketOfSource(source));
  return {
    ...(owner === undefined ? {} : { [OWNER_HEADER]: owner }),
    ...(sourceOwner === undefined ? {} : { [SOURCE_OWNER_HEADER]: sourceOwner }),
  };
}

/** Asked for each copy: most sources are plain, and are not decoded. */
function bucketOfSource(source: string): string {
  const from = source.startsWith('/') ? 1 : 0;
  const slashAt = source.indexOf('/', from);
  const bucket = source.slice(from, slashAt < 0 ? undefined : slashAt);
  return bucket.includes('%') ? decodeURIComponent(bucket) : bucket;
}
