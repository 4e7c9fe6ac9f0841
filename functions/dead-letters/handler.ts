// DEAD LETTERS: handles the dead letters of every queue, so that their rows and jobs end.
//
//   1 decide     what happens to it, from its message and from the ledger (functions/dead-letters/decide.ts)
//   2 store      the letter, with that decision, in the report bucket under deadletters/
//   3 carry out  send an item again as a suspect, and fail it the second time; fail a slice's rows or a manifest's job; send a
//                settle message again
//
// After a crash between two steps the letter comes again, and all three are repeated. This function empties the dead-letter
// queues, so the alarm is on its metric DeadLettersFlagged.
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import {
  createDeadLetterFiles,
  type DeadLetter,
  type DeadLetterDecision,
  type DeadLetterFiles,
  type DeadLetterKind,
} from '../../shared/report/dead-letters.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { instrument } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { createTelemetry, type Telemetry } from '../runtime/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../runtime/wiring.ts';
import { type DecideDependencies, decide } from './decide.ts';

/** Which letters an operator should look at. A suspect is not yet one: it may well be stored. */
const FLAGGED: Readonly<Record<DeadLetterKind, boolean>> = {
  suspect: false,
  'row-failed': true,
  'slice-failed': true,
  'job-failed': true,
  'sent-again': true,
  'nothing-left': false,
  unhandled: true,
  unreadable: true,
};

/** To fail a slice of 128,000 rows takes about 20 s: with less time left, no further letter is begun. */
const LETTER_MS = 25_000;

export interface DeadLettersDependencies extends DecideDependencies {
  letters: DeadLetterFiles;
  telemetry: Telemetry;
}

export function createDeadLetters(dependencies: DeadLettersDependencies) {
  const { letters, clock, telemetry } = dependencies;
  const { logger, count } = telemetry;

  /** So that the letter outlives its queue. Once it is handled, its decision replaces this record. */
  async function keepUnhandled(record: SQSRecord, { name, message }: Error): Promise<void> {
    const reason = `${name}: ${message}`;
    try {
      await letters.write(letterOf(record, { kind: 'unhandled', reason }, clock.now()), 'first');
    } catch (error) {
      logger.error(LOG.letterNotKept, { messageId: record.messageId, error: error as Error });
    }
  }

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const failures: string[] = [];
    let unhandled = 0;
    const handled: (DeadLetterDecision & { messageId: string; place: string })[] = [];
    for (const record of event.Records) {
      const { messageId, body } = record;
      if (context.getRemainingTimeInMillis() < LETTER_MS) {
        // A timeout would bring the whole batch back, with the letters that are done.
        failures.push(messageId);
        continue;
      }
      try {
        const suspects = handled.filter(({ kind }) => kind === 'suspect').length;
        const { carryOut, ...decision } = await decide(dependencies, body, suspects);
        const letter = letterOf(record, decision, clock.now());
        // Keep the first record of a letter that was handled before: a redelivery adds nothing.
        await letters.write(letter, decision.kind === 'nothing-left' ? 'first' : 'latest');
        const place = letters.placeOf(letter);
        await carryOut(place, `${context.awsRequestId}-${messageId}`);
        handled.push({ messageId, place, ...decision });
      } catch (error) {
        logger.error(LOG.letterNotHandled, { messageId, error: error as Error });
        failures.push(messageId);
        unhandled += 1;
        await keepUnhandled(record, error as Error);
      }
    }
    const flagged = handled.filter(({ kind }) => FLAGGED[kind]);
    // Counted, because a queue silently drops a letter after 14 days.
    count({ DeadLettersFlagged: flagged.length, MessagesFailed: unhandled });
    if (flagged.length > 0) logger.error(LOG.lettersFlagged, { letters: handled });
    else logger.info(LOG.lettersHandled, { letters: handled });
    return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function letterOf(
  { messageId, body, attributes, messageAttributes, eventSourceARN }: SQSRecord,
  decision: DeadLetterDecision,
  nowMs: number,
): DeadLetter {
  return {
    queue: eventSourceARN.split(':').at(-1) ?? '',
    messageId,
    sentAt: new Date(Number(attributes.SentTimestamp)).toISOString(),
    buriedAt: new Date(nowMs).toISOString(),
    ...decision,
    body,
    attributes: { ...attributes },
    messageAttributes,
  };
}

function dependenciesFromEnvironment(telemetry: Telemetry): DeadLettersDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_INBOX_BUCKET',
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_INGEST_QUEUE_URL',
    'SPILLWAY_UPLOAD_QUEUE_URL',
    'SPILLWAY_SETTLE_QUEUE_URL',
    'SPILLWAY_EVENT_BUS',
  ]);
  const queue = wireQueue(CLIENT_BUDGETS.deadLetters);
  const { ledger } = wireLedger(env, queue, CLIENT_BUDGETS.deadLetters);
  const reports = wireReports(env, CLIENT_BUDGETS.deadLetters);
  const { s3, bucket, outcomes } = reports;
  return {
    reader: { s3, clock: systemClock, random: queue.random },
    ledger,
    inbox: env.SPILLWAY_INBOX_BUCKET,
    outcomes,
    letters: createDeadLetterFiles({ s3, bucket }),
    end: wireEnd(env, reports, ledger, CLIENT_BUDGETS.deadLetters),
    queue,
    ingestQueueUrl: env.SPILLWAY_INGEST_QUEUE_URL,
    uploadQueueUrl: env.SPILLWAY_UPLOAD_QUEUE_URL,
    settleQueueUrl: env.SPILLWAY_SETTLE_QUEUE_URL,
    clock: systemClock,
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createDeadLetters(dependenciesFromEnvironment(telemetry)));
