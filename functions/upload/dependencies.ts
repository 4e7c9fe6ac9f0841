// What upload works with, and how it is made from the configuration.

import { expectOwners } from '../../shared/aws/bucket-owners.ts';
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import { createTransferClient } from '../../shared/aws/clients.ts';
import { createOwnerOf } from '../../shared/keys/owned-bucket.ts';
import { createCopyMemory } from '../../shared/ledger/copy-memory.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { createAdaptivePacer } from '../../shared/pacing/adaptive-pacer.ts';
import { createRateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createReturnShare } from '../../shared/queue/give-back.ts';
import { createReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import { createItemWriter } from '../../shared/sources/table.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { systemRandom } from '../../shared/time/random.ts';
import { embeddedWeb } from '../runtime/embedded-web.ts';
import { withEmbeddedWrites } from '../runtime/embedded-writes.ts';
import type { RecordSource } from '../runtime/records.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { wireItemLedger, wireOutcomeWriter, wireQueue } from '../runtime/wiring.ts';
import type { UploadConfiguration } from './configuration.ts';
import type { JobTurnLedger } from './job-rates.ts';
import type { WorkDependencies } from './process-items.ts';

export interface UploadDependencies extends WorkDependencies {
  ledger: Pick<Ledger, 'getJobs' | 'readBlocks' | 'recordEnds'> & JobTurnLedger;
  retrySeconds: RecordSource['retrySeconds'];
  telemetry: Telemetry;
}

export function uploadDependencies(
  configuration: UploadConfiguration,
  telemetry: Telemetry,
): UploadDependencies {
  const clock = systemClock;
  const pacer = createAdaptivePacer();
  const queue = wireQueue(CLIENT_BUDGETS.upload);
  const hosts = configuration.SPILLWAY_SOURCE_HOSTS;
  const sources = configuration.SPILLWAY_SOURCE_BUCKETS;
  const destinations = configuration.SPILLWAY_DESTINATION_BUCKETS;
  const ownerOf = createOwnerOf(configuration.SPILLWAY_ACCOUNT_ID, [...sources, ...destinations]);
  const { ledger, dynamodb } = wireItemLedger(configuration, queue, CLIENT_BUDGETS.upload);
  const copies = {
    memory: createCopyMemory({
      dynamodb,
      table: configuration.SPILLWAY_LEDGER_TABLE,
      clock,
      random: systemRandom,
    }),
    inPartsAboveBytes: configuration.SPILLWAY_MULTIPART_COPY_BYTES,
    requesterPays: configuration.SPILLWAY_REQUESTER_PAYS,
  };
  return {
    engine: {
      rateLimiter: createRateLimiter({ pacer, clock }),
      clock,
      random: systemRandom,
    },
    writer: createItemWriter({
      s3: withEmbeddedWrites(expectOwners(createTransferClient(), ownerOf)),
      clock,
      copies,
      web: { hosts, override: embeddedWeb() },
    }),
    ledger,
    outcomes: wireOutcomeWriter(configuration, dynamodb, CLIENT_BUDGETS.upload),
    queue,
    uploadQueueUrl: configuration.SPILLWAY_UPLOAD_QUEUE_URL,
    pacer,
    returns: createReturnShare(clock),
    returnedAttempts: createReturnedAttempts(),
    allowed: {
      sources: { buckets: sources.map(({ bucket }) => bucket), hosts },
      destinations: destinations.map(({ bucket }) => bucket),
    },
    retrySeconds: configuration.SPILLWAY_RETRY_SECONDS,
    telemetry,
  };
}
