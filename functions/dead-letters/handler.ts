// DEAD LETTERS: handles the dead letters of all queues, so that their rows and jobs end.
//
//   1 configure  dependencies from the environment, at the first invocation
//   2 decide     what happens to a letter, from its message, its queue and the ledger (decide.ts)
//   3 store      the letter, with that decision, in the report bucket under deadletters/
//   4 carry out  send an item again as a suspect, and fail it the second time; fail a slice's rows or a manifest's job; send a
//                settle message again
//   5 report     log and count: this function empties the dead-letter queue, so the alarm is on its metric DeadLettersFlagged
//
// After a crash between two steps the letter comes again, and all of them are repeated.
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { DeadLetterDecision, DeadLetterKind } from '../../shared/report/dead-letters.ts';
import { createHandler } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { deadLetterConfiguration } from './configuration.ts';
import { decide } from './decide.ts';
import { type DeadLettersDependencies, deadLettersDependencies } from './dependencies.ts';
import { letterOf } from './letter.ts';
import { letterSource } from './source.ts';

/** Letters that no operator needs to look at. A suspect is one of them: it may well be stored. */
const UNFLAGGED: ReadonlySet<DeadLetterKind> = new Set(['suspect', 'nothing-left']);

/** To fail a slice of 128,000 rows takes about 20 s: with less time left, no further letter is begun. */
const LETTER_MS = 25_000;

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
        const source = letterSource(record, dependencies);
        const { carryOut, ...decision } = await decide(dependencies, { body, source }, suspects);
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
    const flagged = handled.filter(({ kind }) => !UNFLAGGED.has(kind));
    // Counted, because a queue silently drops a letter after 14 days.
    count({ DeadLettersFlagged: flagged.length, MessagesFailed: unhandled });
    if (flagged.length > 0) logger.error(LOG.lettersFlagged, { letters: handled });
    else logger.info(LOG.lettersHandled, { letters: handled });
    return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

export const handler = createHandler(deadLetterConfiguration, deadLettersDependencies, createDeadLetters);
