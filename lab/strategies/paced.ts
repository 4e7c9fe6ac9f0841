// Spillway's own engine, as the upload function and `spillway put` run it: with the keys as they are, or spread.
import pMap from 'p-map';
import { createTransferClient } from '../../shared/aws/clients.ts';
import { destinationKey, type Spread } from '../../shared/keys/spread.ts';
import { createAdaptivePacer } from '../../shared/pacing/adaptive-pacer.ts';
import { createRateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { type EngineDependencies, type TransferItem, transferOne } from '../../shared/transfer/engine.ts';
import { RETRIES_PER_ITEM, type RequestBounds } from '../../shared/transfer/paced-request.ts';
import { createObjectWriter } from '../../shared/transfer/transfer.ts';
import type { Strategy, UploadEnd, UploadTask } from './strategy.ts';

/** An item is given up after this long: a job's default. */
const RETRY_FOR_MS = 24 * 60 * 60 * 1000;

export const spillway: Strategy = {
  name: 'spillway',
  what: 'Sends at a rate that it learns from the answers, and tries again until S3 has taken everything.',
  upload: (task) => sendPaced(task, { kind: 'off' }),
};

export const spillwaySpread: Strategy = {
  name: 'spillway-spread',
  what: 'The same, with a hash before each key, so that the load meets every partition.',
  upload: (task) => sendPaced(task, { kind: 'binary' }),
};

async function sendPaced(task: UploadTask, spread: Spread): Promise<UploadEnd[]> {
  const { clientConfig, clock, random, bucket, objects, workers } = task;
  const s3 = createTransferClient(clientConfig);
  const rateLimiter = createRateLimiter({ pacer: createAdaptivePacer(), clock });
  const engine = { writer: createObjectWriter(s3, systemClock), rateLimiter, clock, random };
  const giveUpAtMs = clock.now() + RETRY_FOR_MS;
  const bounds = {
    stopAtMs: giveUpAtMs,
    inPlaceMs: RETRY_FOR_MS, // there is no queue that could keep an item meanwhile
    budget: { retries: objects.length * RETRIES_PER_ITEM },
    cutOff: new AbortController().signal,
  };
  try {
    return await pMap(
      objects,
      ({ key, body }) =>
        untilEnded(
          engine,
          {
            write: {
              source: { kind: 'bytes', bytes: body },
              destination: { bucket, key: destinationKey(key, spread) },
              ifExists: 'overwrite',
            },
            giveUpAtMs,
            givenBack: 0,
            wasTried: false,
            mayBeWritten: false,
          },
          bounds,
        ),
      { concurrency: workers },
    );
  } finally {
    s3.destroy();
  }
}

/** What the engine gives back waits as it would in the upload queue. */
async function untilEnded(
  engine: EngineDependencies,
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
