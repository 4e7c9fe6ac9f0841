// The record of a dead letter: the message as SQS delivered it, with what was decided about it.
import type { SQSRecord } from 'aws-lambda';
import type { DeadLetter, DeadLetterDecision } from '../../shared/report/dead-letters.ts';
import { sourceQueueName } from './source.ts';

export function letterOf(
  { messageId, body, attributes, messageAttributes, eventSourceARN }: SQSRecord,
  decision: DeadLetterDecision,
  nowMs: number,
): DeadLetter {
  const source = sourceQueueName(attributes);
  return {
    queue: eventSourceARN.split(':').at(-1) ?? '',
    ...(source === undefined ? {} : { source }),
    messageId,
    sentAt: new Date(Number(attributes.SentTimestamp)).toISOString(),
    buriedAt: new Date(nowMs).toISOString(),
    ...decision,
    body,
    attributes: { ...attributes },
    messageAttributes,
  };
}
