// How the embedded cloud has destination writes answered in memory, for runs that measure everything else.
//
// What answers them is code of the embedded cloud (local/lambda/write-stub.ts), as is what sets it: no bundle holds either, and
// no variable or template turns it on.
import type { S3Client } from '@aws-sdk/client-s3';

/** Changes the request handler of a client that writes destination objects. */
export type WriteStubber = (s3: S3Client) => S3Client;

let stubber: WriteStubber | undefined;

/** For the bootstrap of an embedded execution environment. */
export function setEmbeddedWrites(given: WriteStubber): void {
  stubber = given;
}

/** @returns the same client; wherever the function is deployed, unchanged */
export function withEmbeddedWrites(s3: S3Client): S3Client {
  return stubber === undefined ? s3 : stubber(s3);
}
