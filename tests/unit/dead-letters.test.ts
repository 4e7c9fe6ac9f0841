// The dead-letter handler where handling itself fails: the letter is kept and counted, and tried again.
import type { Context, SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { DeadLettersDependencies } from '../../functions/dead-letters/dependencies.ts';
import { createDeadLetters } from '../../functions/dead-letters/handler.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { messageBody } from '../../shared/queue/messages.ts';
import { createDeadLetterFiles } from '../../shared/report/dead-letters.ts';
import { anUploadMessage } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const CONTEXT = { awsRequestId: 'r', getRemainingTimeInMillis: () => 60_000 } as Context;

function start() {
  const s3 = createMemoryS3();
  const letters = createDeadLetterFiles({ s3: s3.client, bucket: 'reports' });
  const counted: Record<string, number> = {};
  const state = { isLedgerAway: true };
  const telemetry = {
    logger: { error: () => undefined, info: () => undefined },
    count: (sums: Record<string, number>) => {
      for (const [name, sum] of Object.entries(sums)) counted[name] = (counted[name] ?? 0) + sum;
    },
  };
  const handle = createDeadLetters({
    letters,
    clock: createVirtualClock(),
    inbox: 'inbox',
    ledger: {
      getJob: async () => {
        if (state.isLedgerAway) throw new Error('DynamoDB is away');
        return undefined;
      },
      readBlocks: async () => new Map(),
    },
    telemetry,
  } as unknown as DeadLettersDependencies);
  const event = {
    Records: [
      {
        messageId: 'm1',
        body: messageBody(anUploadMessage()),
        attributes: { SentTimestamp: '0' },
        messageAttributes: {},
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:dead',
      },
    ],
  } as unknown as SQSEvent;
  const kinds = async () => (await letters.list(10)).letters.map(({ kind, reason }) => [kind, reason]);
  return { run: () => handle(event, CONTEXT), counted, state, kinds };
}

describe('a dead letter that can not be handled', () => {
  it('stays in its queue, is kept as unhandled, and is counted for the alarm', async () => {
    const { run, counted, kinds } = start();
    expect(await run()).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect(counted).toEqual({ DeadLettersFlagged: 0, MessagesFailed: 1 });
    expect(await kinds()).toEqual([['unhandled', 'Error: DynamoDB is away']]);
  });

  it('is kept with what became of it once it could be handled', async () => {
    const { run, state, kinds } = start();
    await run();
    state.isLedgerAway = false;
    expect(await run()).toEqual({ batchItemFailures: [] });
    expect(await kinds()).toEqual([['nothing-left', 'its job has ended']]);
    // Its record is final then: another failure changes nothing.
    state.isLedgerAway = true;
    await run();
    expect(await kinds()).toEqual([['nothing-left', 'its job has ended']]);
  });
});
