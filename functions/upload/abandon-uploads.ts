// Aborts the multipart uploads of rows that have ended without their object. S3 keeps and bills the parts of an open upload.
import pMap from 'p-map';
import { classifyFault } from '../../shared/aws/classify.ts';
import type { TransferItem } from '../../shared/transfer/engine.ts';

const CONCURRENCY = 32;

/** @returns what could not be aborted, which is left to the lifecycle rule of the bucket */
export async function abandonUploads(
  transfers: readonly Pick<TransferItem, 'writer' | 'mayBeWritten'>[],
): Promise<Error[]> {
  const faults = await pMap(
    transfers,
    ({ writer, mayBeWritten }) =>
      writer.abandon === undefined
        ? undefined
        : writer.abandon(mayBeWritten).then(
            () => undefined,
            (error: unknown) => leftOpen(error),
          ),
    { concurrency: CONCURRENCY },
  );
  return faults.filter((fault) => fault !== undefined);
}

function leftOpen(cause: unknown): Error {
  const { code, message } = classifyFault(cause);
  return new Error(`an upload in parts is left to the lifecycle rule of its bucket: ${code}: ${message}`, {
    cause,
  });
}
