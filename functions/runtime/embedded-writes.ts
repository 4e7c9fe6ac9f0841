// How the embedded cloud has destination writes answered in memory, for runs that measure everything else.
//
// What answers them is code of the embedded cloud (local/lambda/write-stub.ts): no bundle holds it, and no variable or template
// turns it on. Lambda runs a function in its process's main thread, where the slot is not looked at.
import { isMainThread } from 'node:worker_threads';
import type { S3Client } from '@aws-sdk/client-s3';

/** Changes the request handler of a client that writes destination objects. */
export type WriteStubber = (s3: S3Client) => S3Client;

let stubber: WriteStubber | undefined;

/** For the bootstrap of an embedded execution environment, in its thread. */
export function setEmbeddedWrites(given: WriteStubber): void {
  stubber = given;
}

/** @returns the same client; wherever the function is deployed, unchanged */
export function withEmbeddedWrites(s3: S3Client, isMain = isMainThread): S3Client {
  return isMain || stubber === undefined ? s3 : stubber(s3);
}
