// What is known of an item before it is written: whether an earlier delivery may have written its object already.
import { describe, expect, it } from 'vitest';
import { parseDeliveries, repostOf } from '../../functions/upload/delivery.ts';
import { transferItemOf } from '../../functions/upload/item-transfer.ts';
import { messageBody, type UploadMessage } from '../../shared/queue/messages.ts';
import type { ItemWriter } from '../../shared/sources/source.ts';
import { aJob, anUploadMessage } from '../helpers/records.ts';

const WRITER: ItemWriter = {
  begin: async () => ({ write: async () => ({ etag: '"e"' }), recognise: async () => undefined }),
};

function deliver(body: string, receiveCount: number) {
  const [delivery] = parseDeliveries([
    {
      messageId: 'm',
      receiptHandle: 'r',
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        ApproximateFirstReceiveTimestamp: '0',
      },
    },
  ]).deliveries;
  if (delivery === undefined) throw new Error('the message is not readable');
  return delivery;
}

const mayBeWritten = async (delivery: ReturnType<typeof deliver>) =>
  (await transferItemOf({ delivery, job: aJob() }, WRITER, 0, () => false)).mayBeWritten;

describe('an item in hand', () => {
  it.each<{ receiveCount?: number; message?: Partial<UploadMessage>; expected: boolean }>([
    { expected: false },
    { receiveCount: 2, expected: true },
    { message: { attempts: 1 }, expected: true },
    { message: { returned: 1 }, expected: true },
    { message: { reposted: 1 }, expected: false },
    { message: { replay: true }, expected: true },
    { message: { suspect: true }, expected: true },
  ])('may be written already: $expected for $message, received $receiveCount times', async (given) => {
    const { receiveCount = 1, message = {}, expected } = given;
    expect(await mayBeWritten(deliver(messageBody(anUploadMessage(message)), receiveCount))).toBe(expected);
  });

  it('may be written by a delivery that was returned, also after a repost that counts no request', async () => {
    const fourth = deliver(messageBody(anUploadMessage()), 4);
    const { body } = repostOf(fourth, { attempts: 0, throttled: 0 });
    expect(await mayBeWritten(deliver(body, 1))).toBe(true);
  });
});
