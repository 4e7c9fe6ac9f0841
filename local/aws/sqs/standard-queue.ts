// A standard SQS queue behind fauxqs' SQS protocol, with the limits that fauxqs does not keep.
//
// fauxqs' actions call it by the names of fauxqs' own queue. Unlike that one it
// - answers nothing while the in-flight quota is used up (facts: about 120,000, and no error on a long poll);
// - ends visibility 12 hours after the receive, however often it was extended;
// - drops messages past their retention, counted from the first send, also in a dead-letter queue;
// - remembers lineage (AWSTraceHeader), the message group, and the source of a dead letter;
// - delivers quiet message groups before noisy ones (fair-lanes.ts);
// - draws from a window at random, and loses, delays and doubles messages, if told to;
// - costs the same for a receive however many messages are in flight.
import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../../shared/time/clock.ts';
import type { Random } from '../../../shared/time/random.ts';
import type { SqsFaults } from '../../faults/sqs.ts';
import type { QueueDepth } from '../emulators.ts';
import { createDueTimes } from './due-times.ts';
import { createFairLanes, type FairLanes } from './fair-lanes.ts';
import { type SendingRequest, sendingEntry } from './lineage.ts';
import { createLongPolls } from './long-polls.ts';
import { DEFAULT_ATTRIBUTES, redrivePolicyOf } from './queue-attributes.ts';

export interface QueueMessage {
  messageId: string;
  body: string;
  md5OfBody: string;
  messageAttributes: Record<string, unknown>;
  md5OfMessageAttributes: string;
  sentTimestamp: number;
  approximateReceiveCount: number;
  approximateFirstReceiveTimestamp?: number;
  delayUntil?: number | undefined;
  messageGroupId?: string | undefined;
  traceHeader?: string | undefined;
  deadLetterSourceArn?: string;
  receivedTwice?: true;
}

interface InFlight {
  message: QueueMessage;
  receiptHandle: string;
  receivedAtMs: number;
}

export interface QueueIdentity {
  name: string;
  url: string;
  arn: string;
}

export interface QueueLimits {
  inFlightLimit: number;
  shuffleWindow: number;
  duplicateShare: number;
  /** A message with a longer delay comes after this one. */
  mostDelayMs: number;
}

/** What may happen to its messages. */
export type MessageFaults = Pick<SqsFaults, 'forSent' | 'isReceivedTwice'>;

export interface QueueDependencies {
  clock: Clock;
  random: Random;
  faults: MessageFaults;
}

const VISIBILITY_LIMIT_MS = 12 * 3600 * 1000;
/** The most that one receive returns: so one waiting poll is woken for as many messages. */
const MESSAGES_PER_RECEIVE = 10;

export class StandardQueue {
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  readonly attributes: Record<string, string>;
  readonly tags = new Map<string, string>();
  /** By receipt handle; fauxqs' actions look into it. */
  readonly inflightMessages = new Map<string, InFlight>();
  /** The request whose messages are being enqueued, during one synchronous call. */
  sending: SendingRequest | undefined;

  readonly #clock: Clock;
  readonly #random: Random;
  readonly #faults: MessageFaults;
  readonly #limits: QueueLimits;
  readonly #invisible = createDueTimes<InFlight>();
  readonly #delayed = createDueTimes<QueueMessage>();
  readonly #createdSeconds: number;
  readonly #visible: FairLanes<QueueMessage>;
  readonly #polls = createLongPolls({
    processTimers: () => this.processTimers(),
    servable: () => (this.#isFull() ? 0 : Math.ceil(this.#visible.size / MESSAGES_PER_RECEIVE)),
  });

  constructor(
    dependencies: QueueDependencies,
    identity: QueueIdentity,
    options: { attributes?: Record<string, string>; limits: QueueLimits },
  ) {
    this.#clock = dependencies.clock;
    this.#random = dependencies.random;
    this.#faults = dependencies.faults;
    this.#limits = options.limits;
    this.#visible = createFairLanes(this.#random, options.limits.shuffleWindow);
    this.name = identity.name;
    this.url = identity.url;
    this.arn = identity.arn;
    this.attributes = { ...DEFAULT_ATTRIBUTES, ...options.attributes };
    this.#createdSeconds = Math.floor(this.#clock.now() / 1000);
  }

  isFifo(): false {
    return false;
  }

  enqueue(message: QueueMessage): void {
    // fauxqs stamps by the machine's clock; this queue may run on another.
    const nowMs = this.#clock.now();
    if (message.delayUntil !== undefined) {
      const delayMs = message.delayUntil - message.sentTimestamp;
      message.delayUntil = nowMs + Math.min(delayMs, this.#limits.mostDelayMs);
    }
    message.sentTimestamp = nowMs;
    if (this.sending !== undefined) Object.assign(message, sendingEntry(this.sending, message.body));
    const fault = this.#faults.forSent(this.name);
    if (fault?.kind === 'lost') return;
    if (fault?.kind === 'late') {
      message.delayUntil = Math.max(message.delayUntil ?? 0, nowMs) + fault.delayMs;
    }
    if (message.delayUntil !== undefined && message.delayUntil > nowMs) {
      this.#delayed.add(message, message.delayUntil);
    } else {
      this.#show(message);
    }
  }

  /** A message of AWS's own making, such as an S3 notification. */
  send(body: string): void {
    const md5OfBody = createHash('md5').update(body).digest('hex');
    this.#show({
      messageId: randomUUID(),
      body,
      md5OfBody,
      messageAttributes: {},
      md5OfMessageAttributes: '',
      sentTimestamp: this.#clock.now(),
      approximateReceiveCount: 0,
    });
  }

  dequeue(
    maxCount: number,
    visibilitySeconds: number | undefined,
    queueByArn: (arn: string) => StandardQueue | undefined,
  ): Record<string, unknown>[] {
    this.processTimers();
    const redrive = redrivePolicyOf(this.attributes);
    const received: Record<string, unknown>[] = [];
    while (received.length < Math.min(maxCount, MESSAGES_PER_RECEIVE)) {
      if (this.#isFull()) break;
      const message = this.#takeVisible();
      if (message === undefined) break;
      const deadLetters = redrive === undefined ? undefined : queueByArn(redrive.deadLetterTargetArn);
      if (redrive && deadLetters && message.approximateReceiveCount >= redrive.maxReceiveCount) {
        message.deadLetterSourceArn = this.arn;
        message.delayUntil = undefined;
        deadLetters.#show(message);
        continue;
      }
      received.push(this.#receive(message, visibilitySeconds ?? Number(this.attributes.VisibilityTimeout)));
    }
    return received;
  }

  #receive(message: QueueMessage, visibilitySeconds: number): Record<string, unknown> {
    const nowMs = this.#clock.now();
    message.approximateReceiveCount += 1;
    message.approximateFirstReceiveTimestamp ??= nowMs;
    const inFlight: InFlight = { message, receiptHandle: randomUUID(), receivedAtMs: nowMs };
    this.inflightMessages.set(inFlight.receiptHandle, inFlight);
    this.#visible.received(message, nowMs);
    this.#invisible.add(inFlight, nowMs + Math.min(visibilitySeconds * 1000, VISIBILITY_LIMIT_MS));
    if (message.receivedTwice === undefined) {
      const { duplicateShare } = this.#limits;
      const isDouble = duplicateShare > 0 && this.#random() < duplicateShare;
      if (isDouble || this.#faults.isReceivedTwice(this.name)) {
        message.receivedTwice = true;
        this.#show(message);
      }
    }
    return {
      MessageId: message.messageId,
      ReceiptHandle: inFlight.receiptHandle,
      MD5OfBody: message.md5OfBody,
      Body: message.body,
      ...(message.md5OfMessageAttributes ? { MD5OfMessageAttributes: message.md5OfMessageAttributes } : {}),
      ...(Object.keys(message.messageAttributes).length > 0
        ? { MessageAttributes: message.messageAttributes }
        : {}),
    };
  }

  deleteMessage(receiptHandle: string): boolean {
    return this.#takeBack(receiptHandle) !== undefined;
  }

  changeVisibility(receiptHandle: string, timeoutSeconds: number): void {
    const inFlight = this.inflightMessages.get(receiptHandle);
    if (inFlight === undefined) return;
    if (timeoutSeconds <= 0) {
      this.#takeBack(receiptHandle);
      this.#show(inFlight.message);
      return;
    }
    // SQS refuses what goes beyond 12 hours from the receive; fauxqs' batch action has no way to say so for one entry.
    const wantedMs = this.#clock.now() + timeoutSeconds * 1000;
    this.#invisible.add(inFlight, Math.min(wantedMs, inFlight.receivedAtMs + VISIBILITY_LIMIT_MS));
  }

  processTimers(): void {
    const nowMs = this.#clock.now();
    for (const inFlight of this.#invisible.takeDue(nowMs)) {
      this.inflightMessages.delete(inFlight.receiptHandle);
      this.#release(inFlight);
      this.#show(inFlight.message);
    }
    for (const message of this.#delayed.takeDue(nowMs)) this.#show(message);
    this.#visible.drop((message) => this.#isExpired(message));
  }

  waitForMessages(waitSeconds: number): Promise<void> {
    return this.#polls.wait(waitSeconds);
  }

  cancelWaiters(): void {
    this.#polls.cancel();
  }

  purge(): void {
    this.#visible.clear();
    this.inflightMessages.clear();
    this.#invisible.clear();
    this.#delayed.clear();
  }

  depth(): QueueDepth {
    this.processTimers();
    return {
      visible: this.#visible.size,
      inFlight: this.inflightMessages.size,
      delayed: this.#delayed.size,
    };
  }

  setAttributes(attributes: Record<string, string>): void {
    Object.assign(this.attributes, attributes);
    if (attributes.RedrivePolicy === '') delete this.attributes.RedrivePolicy;
  }

  getAllAttributes(names: string[]): Record<string, string> {
    const { visible, inFlight, delayed } = this.depth();
    const all: Record<string, string> = {
      ...this.attributes,
      QueueArn: this.arn,
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(inFlight),
      ApproximateNumberOfMessagesDelayed: String(delayed),
      CreatedTimestamp: String(this.#createdSeconds),
      LastModifiedTimestamp: String(this.#createdSeconds),
    };
    if (names.includes('All')) return all;
    return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
  }

  getAttribute(name: string): string | undefined {
    return this.getAllAttributes([name])[name];
  }

  #show(message: QueueMessage): void {
    this.#visible.add(message, this.#clock.now(), message.approximateReceiveCount === 0);
    this.#polls.wakeSoon();
  }

  #isFull(): boolean {
    return this.inflightMessages.size >= this.#limits.inFlightLimit;
  }

  #takeBack(receiptHandle: string): InFlight | undefined {
    const inFlight = this.inflightMessages.get(receiptHandle);
    if (inFlight === undefined) return undefined;
    this.inflightMessages.delete(receiptHandle);
    this.#invisible.remove(inFlight);
    this.#release(inFlight);
    this.#polls.wakeSoon();
    return inFlight;
  }

  #release({ message, receivedAtMs }: InFlight): void {
    const nowMs = this.#clock.now();
    this.#visible.released(message, nowMs - receivedAtMs, nowMs);
  }

  #takeVisible(): QueueMessage | undefined {
    for (;;) {
      const message = this.#visible.take(this.#clock.now());
      if (message === undefined || !this.#isExpired(message)) return message;
    }
  }

  #isExpired(message: QueueMessage): boolean {
    return this.#clock.now() - message.sentTimestamp > Number(this.attributes.MessageRetentionPeriod) * 1000;
  }
}
