// A received message of the upload queue: its item, its receive count, and the message that a repost sends.
import { messageBody, parseUploadMessage, type UploadMessage } from '../../shared/queue/messages.ts';

/** The fields of a received message that are used here. */
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
  /** A suspect that was sent again before, apart from the items with which it had come back. */
  wasSeparated: boolean;
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
        wasSeparated: parsed.message.parted === true,
        receiveCount: Number(attributes.ApproximateReceiveCount),
        firstReceivedAtMs: Number(attributes.ApproximateFirstReceiveTimestamp),
      });
    }
  }
  return { deliveries, unreadable };
}

/** An item's age counts from its first receive: in a job of days it may wait in the queue longer than it may be retried. */
export function firstSeenAtMs({ message, firstReceivedAtMs }: Delivery): number {
  return message.reposted > 0 ? message.firstSentAtMs : firstReceivedAtMs;
}

/** The item's history, this delivery included. */
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

/**
 * The item as a new message, with its history up to now.
 * @param isSeparated whether it is sent apart from the items with which it had come back
 */
export function repostOf(
  delivery: Delivery,
  sent: { attempts: number; throttled: number } = { attempts: 0, throttled: 0 },
  { isSeparated, ...change }: { isSeparated?: true; firstSentAtMs?: number } = {},
): { body: string; groupId: string } {
  const { message } = delivery;
  const next: UploadMessage = {
    ...message,
    ...historyAfter(delivery, sent),
    reposted: message.reposted + 1,
    firstSentAtMs: firstSeenAtMs(delivery),
    ...change,
    ...(isSeparated === true ? { parted: true } : {}),
  };
  return { body: messageBody(next), groupId: message.job };
}
