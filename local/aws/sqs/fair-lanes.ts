// The visible messages of a standard queue, by message group: SQS's fair queues. A group that takes more than its share of the
// consumers is noisy, and is delivered only while no quiet group has a message.
//
// From the SQS developer guide, "How Amazon SQS fair queues work":
// - a message without a group is a tenant of its own;
// - a group is noisy with more than 10% of the messages in flight and at least 30 of its own there, or with more than 10% of
//   the recent processing time;
// - quiet groups come first; of noisy ones, the one with the fewest messages in flight;
// - a group is no longer noisy once it has no backlog, or has sent nothing for 5 minutes.
// AWS calls its thresholds approximate, and does not say how long "recent" is: RECENT_MS is an assumption.
import type { Random } from '../../../shared/time/random.ts';

const NOISY_SHARE = 0.1;
const NOISY_IN_FLIGHT = 30;
const SILENT_MS = 5 * 60_000;
/** Processing time counts half after so long. */
const RECENT_MS = 60_000;
/** Taken places are cut off once there are this many and they are more than half. So each message is moved about once. */
const CUT_OFF_AT = 1000;

export interface LaneMessage {
  messageGroupId?: string | undefined;
}

interface Lane<Message> {
  messages: { message: Message; arrival: number }[];
  /** Messages before it are taken. */
  head: number;
  inFlight: number;
  /** Recent processing time as of `processedAtMs`. */
  processingMs: number;
  processedAtMs: number;
  sentAtMs: number;
}

export interface FairLanes<Message extends LaneMessage> {
  /** `isSent`: it is new. Otherwise it comes back. */
  add(message: Message, nowMs: number, isSent: boolean): void;
  /** The next message to deliver. Without noisy groups that is one of the oldest. */
  take(nowMs: number): Message | undefined;
  /** Removes the first messages of each lane for as long as they are to be dropped. */
  drop(isDropped: (message: Message) => boolean): void;
  /** A message was received. */
  received(message: Message, nowMs: number): void;
  /** A message is no longer in flight, after `heldMs`. */
  released(message: Message, heldMs: number, nowMs: number): void;
  clear(): void;
  readonly size: number;
}

/** @param shuffleWindow a message is drawn from so many of the oldest of its lane */
export function createFairLanes<Message extends LaneMessage>(
  random: Random,
  shuffleWindow: number,
): FairLanes<Message> {
  const lanes = new Map<string | undefined, Lane<Message>>();
  const total = { inFlight: 0, processingMs: 0, processedAtMs: 0 };
  let arrivals = 0;
  let size = 0;

  function laneOf({ messageGroupId }: Message, nowMs: number): Lane<Message> {
    let lane = lanes.get(messageGroupId);
    if (lane === undefined) {
      lane = { messages: [], head: 0, inFlight: 0, processingMs: 0, processedAtMs: nowMs, sentAtMs: nowMs };
      lanes.set(messageGroupId, lane);
    }
    return lane;
  }

  function isNoisy(group: string | undefined, lane: Lane<Message>, nowMs: number): boolean {
    // Each of its messages is a tenant of its own.
    if (group === undefined || nowMs - lane.sentAtMs >= SILENT_MS) return false;
    const byNumber = lane.inFlight >= NOISY_IN_FLIGHT && lane.inFlight > total.inFlight * NOISY_SHARE;
    return byNumber || recent(lane, nowMs) > recent(total, nowMs) * NOISY_SHARE;
  }

  /** The lane of the next message. There are as many lanes as groups with messages: the live jobs. */
  function nextLane(nowMs: number): Lane<Message> | undefined {
    let quiet: Lane<Message> | undefined;
    let noisy: Lane<Message> | undefined;
    for (const [group, lane] of lanes) {
      if (isEmpty(lane)) {
        if (lane.inFlight === 0 && nowMs - lane.processedAtMs > SILENT_MS) lanes.delete(group);
      } else if (isNoisy(group, lane, nowMs)) {
        if (noisy === undefined || lane.inFlight < noisy.inFlight) noisy = lane;
      } else if (quiet === undefined || arrivalOf(lane) < arrivalOf(quiet)) quiet = lane;
    }
    return quiet ?? noisy;
  }

  function takeFrom(lane: Lane<Message>): Message | undefined {
    const window = Math.min(shuffleWindow, lane.messages.length - lane.head);
    const index = lane.head + (window > 1 ? Math.floor(random() * window) : 0);
    const taken = lane.messages[index];
    const first = lane.messages[lane.head];
    if (taken === undefined || first === undefined) return undefined;
    // The arrivals keep their order: the lane's age is that of its oldest message.
    lane.messages[index] = { message: first.message, arrival: taken.arrival };
    lane.head += 1;
    size -= 1;
    if (lane.head > CUT_OFF_AT && lane.head * 2 > lane.messages.length) {
      lane.messages = lane.messages.slice(lane.head);
      lane.head = 0;
    }
    return taken.message;
  }

  return {
    add(message, nowMs, isSent) {
      const lane = laneOf(message, nowMs);
      lane.messages.push({ message, arrival: arrivals++ });
      if (isSent) lane.sentAtMs = nowMs;
      size += 1;
    },
    take(nowMs) {
      const lane = nextLane(nowMs);
      return lane === undefined ? undefined : takeFrom(lane);
    },
    drop(isDropped) {
      for (const lane of lanes.values()) {
        for (;;) {
          const first = lane.messages[lane.head];
          if (first === undefined || !isDropped(first.message)) break;
          lane.head += 1;
          size -= 1;
        }
      }
    },
    received(message, nowMs) {
      laneOf(message, nowMs).inFlight += 1;
      total.inFlight += 1;
    },
    released(message, heldMs, nowMs) {
      const lane = laneOf(message, nowMs);
      lane.inFlight -= 1;
      total.inFlight -= 1;
      for (const each of [lane, total]) {
        each.processingMs = recent(each, nowMs) + heldMs;
        each.processedAtMs = nowMs;
      }
    },
    clear() {
      lanes.clear();
      Object.assign(total, { inFlight: 0, processingMs: 0 });
      size = 0;
    },
    get size() {
      return size;
    },
  };
}

function isEmpty({ messages, head }: Lane<unknown>): boolean {
  return head >= messages.length;
}

function arrivalOf({ messages, head }: Lane<unknown>): number {
  return messages[head]?.arrival ?? Number.POSITIVE_INFINITY;
}

function recent(of: { processingMs: number; processedAtMs: number }, nowMs: number): number {
  return of.processingMs * 2 ** (-Math.max(0, nowMs - of.processedAtMs) / RECENT_MS);
}
