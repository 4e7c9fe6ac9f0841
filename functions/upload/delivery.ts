// An item of the upload queue in hand: its message, how often and since when it was received, and what goes back of it.
import { messageBody, parseUploadMessage, type UploadMessage } from '../../shared/queue/messages.ts';

/** What SQS says of a received message, as far as it is looked at. */
export interface ReceivedMessage {
  messageId: string;
  receiptHandle: string;
  body: string;
  attributes: { ApproximateReceiveCount: string; ApproximateFirstReceiveTimestamp: string };
}

export interface Delivery {
  messageId: string;
  receiptHandle: string;
  message: UploadMessage;
  /** 1 at its first receive. */
  receiveCount: number;
  /** Epoch ms. */
  firstReceivedAtMs: number;
}

export function parseDeliveries(records: readonly ReceivedMessage[]) {
  const deliveries: Delivery[] = [];
  const unreadable: { messageId: string; reason: string }[] = [];
  for (const { messageId, receiptHandle, body, attributes } of records) {
    const parsed = parseUploadMessage(body);
    if (parsed.kind === 'unreadable') unreadable.push({ messageId, reason: parsed.reason });
    else {
      deliveries.push({
        messageId,
        receiptHandle,
        message: parsed.message,
        receiveCount: Number(attributes.ApproximateReceiveCount),
        firstReceivedAtMs: Number(attributes.ApproximateFirstReceiveTimestamp),
      });
    }
  }
  return { deliveries, unreadable };
}

/** An item's age begins when it is first in hand: in a job of days it waits behind others for longer than it may be retried. */
export function firstSeenAtMs({ message, firstReceivedAtMs }: Delivery): number {
  return message.reposted > 0 ? message.firstSentAtMs : firstReceivedAtMs;
}

/** What the item's history is after this delivery. */
export function historyAfter(
  { message, receiveCount }: Delivery,
  sent: { attempts: number; throttled: number },
) {
  return {
    attempts: message.attempts + sent.attempts,
    throttled: message.throttled + sent.throttled,
    returned: message.returned + receiveCount - 1,
    reposted: message.reposted,
  };
}

/** The item as a new message, with its history up to now. */
export function repostOf(
  delivery: Delivery,
  sent: { attempts: number; throttled: number } = { attempts: 0, throttled: 0 },
  change: Pick<UploadMessage, 'parted'> = {},
): { body: string; groupId: string } {
  const { message } = delivery;
  const next: UploadMessage = {
    ...message,
    ...change,
    ...historyAfter(delivery, sent),
    reposted: message.reposted + 1,
    firstSentAtMs: firstSeenAtMs(delivery),
  };
  return { body: messageBody(next), groupId: message.job };
}
