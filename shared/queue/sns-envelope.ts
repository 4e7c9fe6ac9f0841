// What SNS wraps around a message for a queue, unless the subscription asks for raw delivery (SNS developer guide, "Amazon SNS
// message formats"). The signature is not looked at: the queue's policy says which topics may send.
import * as z from 'zod/mini';
import { boundedName } from '../text/bounded.ts';
import { parseJson } from '../text/parse-json.ts';

const envelope = z.object({
  Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  TopicArn: z.optional(z.string()),
  Message: z.string(),
});

/** `bare`: SNS has not wrapped it. */
export type Unwrapped =
  | { kind: 'bare' }
  | { kind: 'message'; json: unknown }
  | { kind: 'none'; reason: string };

export function unwrapSns(json: unknown): Unwrapped {
  const parsed = envelope.safeParse(json);
  if (!parsed.success) return { kind: 'bare' };
  const { Type, TopicArn = 'without a name', Message } = parsed.data;
  const topic = `the SNS topic ${boundedName(TopicArn)}`;
  if (Type !== 'Notification') {
    return {
      kind: 'none',
      reason: `${topic} sent a ${Type}, which is not answered here: name the topic in the parameter inboxTopics`,
    };
  }
  const message = parseJson(Message);
  return message === undefined
    ? { kind: 'none', reason: `the message of ${topic} is no JSON` }
    : { kind: 'message', json: message };
}
