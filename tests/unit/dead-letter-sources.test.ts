// Dead letters of three queues in one: each is believed only as a message of the queue that it comes from.
import type { SQSRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { type DecideDependencies, decide } from '../../functions/dead-letters/decide.ts';
import { letterOf } from '../../functions/dead-letters/letter.ts';
import { type LetterSource, letterSource } from '../../functions/dead-letters/source.ts';
import { messageBody } from '../../shared/queue/messages.ts';
import { anUploadMessage } from '../helpers/records.ts';

const URLS = {
  ingestQueueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/spillway-prod-ingest',
  uploadQueueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/spillway-prod-upload',
  settleQueueUrl: 'http://127.0.0.1:4566/123456789012/spillway-prod-settle',
};
const arnOf = (name: string): string => `arn:aws:sqs:eu-west-1:123456789012:${name}`;
const attributesOf = (name: string | undefined): Pick<SQSRecord, 'attributes'> => ({
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '0',
    SenderId: 'x',
    ApproximateFirstReceiveTimestamp: '0',
    ...(name === undefined ? {} : { DeadLetterQueueSourceArn: arnOf(name) }),
  },
});

describe('the source of a dead letter', () => {
  it.each<[string | undefined, LetterSource]>([
    ['spillway-prod-ingest', 'ingest'],
    ['spillway-prod-upload', 'upload'],
    ['spillway-prod-settle', 'settle'],
    ['spillway-test-upload', 'another'],
    ['upload', 'another'],
    [undefined, undefined],
  ])('%s is %s', (name, source) => {
    expect(letterSource(attributesOf(name), URLS)).toBe(source);
  });

  it('is kept with the letter, under its queue’s name', () => {
    const record = {
      ...attributesOf('spillway-prod-upload'),
      ...{ messageId: 'm', receiptHandle: 'r', body: '{}', messageAttributes: {}, md5OfBody: '' },
      ...{
        eventSource: 'aws:sqs',
        awsRegion: 'eu-west-1',
        eventSourceARN: arnOf('spillway-prod-dead-letters'),
      },
    };
    const decision = { kind: 'suspect', reason: 'why' } as const;
    expect(letterOf(record, decision, 0)).toMatchObject({
      queue: 'spillway-prod-dead-letters',
      source: 'spillway-prod-upload',
    });
    expect(letterOf({ ...record, ...attributesOf(undefined) }, decision, 0)).not.toHaveProperty('source');
  });
});

describe('a dead letter', () => {
  const arrival = JSON.stringify({
    Records: [
      {
        eventSource: 'aws:s3',
        eventName: 'ObjectCreated:Put',
        eventTime: '2026-11-27T00:00:00.000Z',
        s3: { bucket: { name: 'inbox' }, object: { key: 'list.csv', versionId: 'v1', size: 3 } },
      },
    ],
  });
  const bodies: [Exclude<LetterSource, undefined>, string, string][] = [
    ['upload', 'an item', messageBody(anUploadMessage())],
    ['settle', 'a slice to settle', JSON.stringify({ v: 1, job: 'j'.repeat(20), slice: 0 })],
    ['ingest', 'a slice to read', JSON.stringify({ v: 1, kind: 'slice', job: 'j'.repeat(20), slice: 0 })],
    ['ingest', 'an arrival', arrival],
  ];
  /** It knows no job, so a letter that is believed has nothing left to do, or is an unopened manifest. */
  const dependencies = {
    inbox: 'inbox',
    ledger: { getJob: async () => undefined, readBlocks: async () => new Map() },
    clock: { now: () => 0 },
  } as unknown as DecideDependencies;
  const kindOf = async (body: string, source: LetterSource) =>
    (await decide(dependencies, { body, source }, 0)).kind;

  it.each(bodies)(
    'of %s is believed as %s from its own queue, and where no source is named',
    async (home, _, body) => {
      const kind = await kindOf(body, home);
      expect(kind).not.toBe('unreadable');
      expect(await kindOf(body, undefined)).toBe(kind);
    },
  );

  it.each(bodies)('of %s is not believed as %s from any other queue', async (home, _, body) => {
    for (const source of (['ingest', 'upload', 'settle', 'another'] as const).filter(
      (each) => each !== home,
    )) {
      const { kind, reason } = await decide(dependencies, { body, source }, 0);
      expect(kind).toBe('unreadable');
      expect(reason).toContain(`a message of the ${home} queue`);
    }
  });
});
