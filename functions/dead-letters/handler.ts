// BURY: takes the dead letters of every queue, and closes their account.
//
//   1 judge      what is to be done about it, by what it says and by what the ledger knows (functions/dead-letters/decide.ts)
//   2 keep       the letter, with what becomes of it, in the report bucket under deadletters/
//   3 carry out  an item is sent again as a suspect, and failed when it comes a second time; a slice's rows, a manifest's job
//                are failed; what only settle can do is sent again
//
// A crash between two steps has the letter come again, and all three are taken again. The alarm is on the metric ItemsBuried,
// since this function empties the dead-letter queues.
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import {
  type Burial,
  type BurialKind,
  createDeadLetterFiles,
  type DeadLetter,
  type DeadLetterFiles,
} from '../../shared/report/dead-letters.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { instrument } from '../runtime/instrument.ts';
import { createTelemetry, type Telemetry } from '../runtime/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../runtime/wiring.ts';
import { type BurialDependencies, judge } from './decide.ts';

/** What somebody should look at; a suspect's second chance is its own, and may well be its success. */
const ALARMING: Readonly<Record<BurialKind, boolean>> = {
  suspect: false,
  'row-failed': true,
  'slice-failed': true,
  'job-failed': true,
  'sent-again': true,
  'nothing-left': false,
  unhandled: true,
  unreadable: true,
};

/** A slice of 128,000 rows is failed in about 20 s: no letter is begun with less time than that. */
const LETTER_MS = 25_000;

export interface BuryDependencies extends BurialDependencies {
  letters: DeadLetterFiles;
  telemetry: Telemetry;
}

export function createBury(dependencies: BuryDependencies) {
  const { letters, clock, telemetry } = dependencies;
  const { logger, count } = telemetry;

  /** The letter outlives its queue, whatever keeps it from being handled. Once it is handled, that is written over this. */
  async function keepUnhandled(record: SQSRecord, { name, message }: Error): Promise<void> {
    const reason = `${name}: ${message}`;
    try {
      await letters.write(letterOf(record, { kind: 'unhandled', reason }, clock.now()), 'former');
    } catch (error) {
      logger.error('dead letter not kept', { messageId: record.messageId, error: error as Error });
    }
  }

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const failures: string[] = [];
    let unhandled = 0;
    const burials: (Burial & { messageId: string; place: string })[] = [];
    for (const record of event.Records) {
      const { messageId, body } = record;
      if (context.getRemainingTimeInMillis() < LETTER_MS) {
        // What is begun and cut off would come again beside those that are done.
        failures.push(messageId);
        continue;
      }
      try {
        const suspects = burials.filter(({ kind }) => kind === 'suspect').length;
        const { burial, carryOut } = await judge(dependencies, body, suspects);
        const letter = letterOf(record, burial, clock.now());
        // Keep the first record of a letter that comes again once all is done for it: a redelivery adds nothing.
        await letters.write(letter, burial.kind === 'nothing-left' ? 'former' : 'this');
        const place = letters.placeOf(letter);
        await carryOut(place, `${context.awsRequestId}-${messageId}`);
        burials.push({ messageId, place, ...burial });
      } catch (error) {
        logger.error('dead letter not handled', { messageId, error: error as Error });
        failures.push(messageId);
        unhandled += 1;
        await keepUnhandled(record, error as Error);
      }
    }
    const alarming = burials.filter(({ kind }) => ALARMING[kind]);
    // Its queue keeps a letter for 14 days and says nothing when that is over.
    count({ ItemsBuried: alarming.length, MessagesFailed: unhandled });
    if (alarming.length > 0) logger.error('dead letters buried', { burials });
    else logger.info('dead letters taken up', { burials });
    return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function letterOf(
  { messageId, body, attributes, messageAttributes, eventSourceARN }: SQSRecord,
  burial: Burial,
  nowMs: number,
): DeadLetter {
  return {
    queue: eventSourceARN.split(':').at(-1) ?? '',
    messageId,
    sentAt: new Date(Number(attributes.SentTimestamp)).toISOString(),
    buriedAt: new Date(nowMs).toISOString(),
    ...burial,
    body,
    attributes: { ...attributes },
    messageAttributes,
  };
}

function dependenciesFromEnvironment(telemetry: Telemetry): BuryDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_INBOX_BUCKET',
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_INGEST_QUEUE_URL',
    'SPILLWAY_UPLOAD_QUEUE_URL',
    'SPILLWAY_SETTLE_QUEUE_URL',
    'SPILLWAY_EVENT_BUS',
  ]);
  const queue = wireQueue(CLIENT_BUDGETS.bury);
  const { ledger } = wireLedger(env, queue, CLIENT_BUDGETS.bury);
  const reports = wireReports(env, CLIENT_BUDGETS.bury);
  const { s3, bucket, outcomes } = reports;
  return {
    reader: { s3, clock: systemClock, random: queue.random },
    ledger,
    inbox: env.SPILLWAY_INBOX_BUCKET,
    outcomes,
    letters: createDeadLetterFiles({ s3, bucket }),
    end: wireEnd(env, reports, ledger, CLIENT_BUDGETS.bury),
    queue,
    ingestQueueUrl: env.SPILLWAY_INGEST_QUEUE_URL,
    uploadQueueUrl: env.SPILLWAY_UPLOAD_QUEUE_URL,
    settleQueueUrl: env.SPILLWAY_SETTLE_QUEUE_URL,
    clock: systemClock,
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createBury(dependenciesFromEnvironment(telemetry)));
