// What the dead-letter handler works with, and how it is made from the configuration.
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import { createDeadLetterFiles, type DeadLetterFiles } from '../../shared/report/dead-letters.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../runtime/wiring.ts';
import type { DeadLetterConfiguration } from './configuration.ts';
import type { DecideDependencies } from './decide.ts';

export interface DeadLettersDependencies extends DecideDependencies {
  letters: DeadLetterFiles;
  telemetry: Telemetry;
}

export function deadLettersDependencies(
  configuration: DeadLetterConfiguration,
  telemetry: Telemetry,
): DeadLettersDependencies {
  const queue = wireQueue(CLIENT_BUDGETS.deadLetters);
  const { ledger, dynamodb } = wireLedger(configuration, queue, CLIENT_BUDGETS.deadLetters);
  const reports = wireReports(configuration, dynamodb, CLIENT_BUDGETS.deadLetters);
  const { s3, bucket, outcomes } = reports;
  return {
    reader: { s3, clock: systemClock, random: queue.random },
    ledger,
    inbox: configuration.SPILLWAY_INBOX_BUCKET,
    inboxBuckets: configuration.SPILLWAY_INBOX_BUCKETS.map((each) => each.bucket),
    outcomes,
    letters: createDeadLetterFiles({ s3, bucket }),
    end: wireEnd(configuration, reports, ledger, CLIENT_BUDGETS.deadLetters, telemetry),
    queue,
    ingestQueueUrl: configuration.SPILLWAY_INGEST_QUEUE_URL,
    uploadQueueUrl: configuration.SPILLWAY_UPLOAD_QUEUE_URL,
    settleQueueUrl: configuration.SPILLWAY_SETTLE_QUEUE_URL,
    clock: systemClock,
    telemetry,
  };
}
