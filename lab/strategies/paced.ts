// The strategies of Spillway's own engine, as the upload function and `spillway put` run it: with plain keys, and spread.
import pMap from 'p-map';
import { createTransferClient } from '../../shared/aws/clients.ts';
import { destinationOf } from '../../shared/keys/destination-key.ts';
import { createAdaptivePacer } from '../../shared/pacing/adaptive-pacer.ts';
import { createRateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { RETRIES_PER_ITEM } from '../../shared/pacing/retry.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { createBytesWriter, writerOfBytes } from '../../shared/transfer/bytes-writer.ts';
import { type TransferItem, transferOne } from '../../shared/transfer/engine.ts';
import type { PacingDependencies, RequestBounds } from '../../shared/transfer/paced-request.ts';
import type { Strategy, UploadEnd, UploadTask } from './strategy.ts';

/** A job's default: an item is given up after so long. */
const RETRY_FOR_MS = 24 * 60 * 60 * 1000;

export const spillway: Strategy = {
  name: 'spillway',
  what: 'Sends at a rate that it learns from the answers, and tries again until S3 has taken everything.',
  upload: (task) => sendPaced(task, 'off'),
};

export const spillwaySpread: Strategy = {
  name: 'spillway-spread',
  what: 'The same, with a hash before each key, so that the load meets every partition.',
  upload: (task) => sendPaced(task, 'binary'),
};

async function sendPaced(task: UploadTask, spread: string): Promise<UploadEnd[]> {
  const { clientConfig, clock, random, bucket, objects, workers } = task;
  const s3 = createTransferClient(clientConfig);
  const rateLimiter = createRateLimiter({ pacer: createAdaptivePacer(), clock });
  const engine = { rateLimiter, clock, random };
  const writer = createBytesWriter(s3, systemClock);
  const options = { destination: { bucket, prefix: '' }, spread };
  const giveUpAtMs = clock.now() + RETRY_FOR_MS;
  const bounds = {
    stopAtMs: giveUpAtMs,
    inPlaceMs: RETRY_FOR_MS, // no queue keeps an item meanwhile
    budget: { retries: objects.length * RETRIES_PER_ITEM },
    cutOff: new AbortController().signal,
  };
  try {
    return await pMap(
      objects,
      ({ key, body: bytes }) => {
        const write = { destination: destinationOf({ key }, options), ifExists: 'overwrite' as const };
        const item = {
          write,
          writer: writerOfBytes(writer, { ...write, bytes }),
          giveUpAtMs,
          givenBack: 0,
          wasTried: false,
          mayBeWritten: false,
        };
        return untilEnded(engine, item, bounds);
      },
      { concurrency: workers },
    );
  } finally {
    s3.destroy();
  }
}

/** An item that the engine gives back waits as it would in the upload queue. */
async function untilEnded(
  engine: PacingDependencies,
  item: TransferItem,
  bounds: RequestBounds,
): Promise<UploadEnd> {
  for (let givenBack = 0; ; givenBack++) {
    const { end } = await transferOne(engine, { ...item, givenBack }, bounds);
    switch (end.kind) {
      case 'stored':
        return { kind: 'stored' };
      case 'failed':
        return { kind: 'lost', code: end.code };
      case 'skipped':
        return { kind: 'lost', code: 'Skipped' };
      case 'unfinished':
        await engine.clock.sleep(end.delayMs);
    }
  }
}
