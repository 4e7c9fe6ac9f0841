// The owners of the buckets, and S3's answer to a request that expects another owner.
import type { IncomingHttpHeaders } from 'node:http';
import { accessDenied, type S3Fault } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';

export interface BucketOwners {
  /** Also for an unknown bucket: the cloud's own account would make it. */
  ownerOf(bucket: string): string;
  /** @returns 403, without a word on which owner was wrong, as S3 does it (user guide, "Verifying bucket ownership") */
  refusal(
    request: Pick<S3Request, 'bucket' | 'copySource'>,
    headers: IncomingHttpHeaders,
  ): S3Fault | undefined;
}

export function createBucketOwners(
  accountId: string,
  buckets: readonly { name: string; account?: string }[],
): BucketOwners {
  const others = new Map(
    buckets.flatMap(({ name, account }) => (account === undefined ? [] : [[name, account] as const])),
  );
  const ownerOf = (bucket: string): string => others.get(bucket) ?? accountId;
  return {
    ownerOf,
    refusal({ bucket, copySource }, headers) {
      const expected = [
        [bucket, headers['x-amz-expected-bucket-owner']],
        [copySource?.bucket ?? '', headers['x-amz-source-expected-bucket-owner']],
      ] as const;
      const isOther = expected.some(([name, owner]) => owner !== undefined && owner !== ownerOf(name));
      return isOther ? accessDenied() : undefined;
    },
  };
}
