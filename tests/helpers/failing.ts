// AWS clients whose calls fail on command: before their effect, after it (the answer is lost), or entry by entry.
import type { BatchResultErrorEntry, SQSClient } from '@aws-sdk/client-sqs';
import { createMemorySqs, type MemorySqsOptions } from '../../lab/memory/sqs.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createVirtualClock } from './virtual-clock.ts';

/** Any service's command, as far as a test looks at it. */
export interface Command {
  input: object;
}

/** The same client, whose calls go through `meddle`, which passes them on or answers them itself. */
export function meddled<Client extends { send: (command: never) => unknown }>(
  client: Client,
  meddle: (command: Command, pass: (changed?: Command) => Promise<unknown>) => Promise<unknown>,
): Client {
  const send = (command: Command) =>
    meddle(command, async (changed = command) => client.send(changed as never));
  return Object.assign(Object.create(client), { send }) as Client;
}

/** A call's fault. `after`: it has its effect, but its answer is lost. */
export interface CallFault {
  when: 'before' | 'after';
  error: Error;
}

/** @param plan is asked once a call, in their order from 0; undefined: the call succeeds */
export function failing<Client extends { send: (command: never) => unknown }>(
  client: Client,
  plan: (command: Command, call: number) => CallFault | undefined,
): Client {
  let calls = 0;
  return meddled(client, async (command, pass) => {
    const fault = plan(command, calls++);
    if (fault?.when === 'before') throw fault.error;
    const answer = await pass();
    if (fault !== undefined) throw fault.error;
    return answer;
  });
}

/** An error as the SDK throws what a service refused. */
export function refusal(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });
}

export type BatchOperation = 'send' | 'delete' | 'visibility';

export interface BatchEntry {
  Id: string;
  MessageBody?: string;
  DelaySeconds?: number;
  MessageGroupId?: string;
  ReceiptHandle?: string;
  VisibilityTimeout?: number;
}

export interface BatchCall {
  operation: BatchOperation;
  queueUrl: string;
  entries: BatchEntry[];
}

/** The code with which the entry fails; undefined: SQS answers it. May throw, and the whole call fails. */
export type EntryFate = (operation: BatchOperation, entry: BatchEntry, call: number) => string | undefined;

export interface WatchedSqs {
  client: SQSClient;
  calls: BatchCall[];
  /** Bodies that were accepted, in the order of acceptance. */
  sent(): string[];
}

const OPERATIONS: Record<string, BatchOperation> = {
  SendMessageBatchCommand: 'send',
  DeleteMessageBatchCommand: 'delete',
  ChangeMessageVisibilityBatchCommand: 'visibility',
};

/** SQS in memory whose batch calls are kept, and whose entries fail by their fate before SQS sees them. */
export function createWatchedSqs(
  fateOf: EntryFate = () => undefined,
  queues: MemorySqsOptions['queues'] = { queue: {}, upload: {} },
): WatchedSqs {
  const sqs = createMemorySqs({ clock: createVirtualClock(), random: createRandom(1) }, { queues });
  const calls: BatchCall[] = [];
  const accepted: string[] = [];
  const client = meddled(sqs.client, async (command, pass) => {
    const operation = OPERATIONS[command.constructor.name];
    if (operation === undefined) return pass();
    const input = command.input as { QueueUrl: string; Entries: BatchEntry[] };
    calls.push({ operation, queueUrl: input.QueueUrl, entries: input.Entries });
    const call = calls.length;
    const failed: BatchResultErrorEntry[] = [];
    const left = input.Entries.filter((entry) => {
      const code = fateOf(operation, entry, call);
      if (code !== undefined)
        failed.push({ Id: entry.Id, Code: code, Message: `scripted ${code}`, SenderFault: false });
      return code === undefined;
    });
    const answer = (left.length === 0 ? {} : await pass(changed(command, { ...input, Entries: left }))) as {
      Failed?: BatchResultErrorEntry[];
    };
    const Failed = [...failed, ...(answer.Failed ?? [])];
    const refused = new Set(Failed.map(({ Id }) => Id));
    for (const { Id, MessageBody } of left)
      if (MessageBody !== undefined && !refused.has(Id)) accepted.push(MessageBody);
    // SQS leaves the list away when it is empty.
    return Failed.length > 0 ? { Failed } : {};
  });
  return { client, calls, sent: () => [...accepted] };
}

/** The same command on other input. */
export function changed<Given extends Command>(command: Given, input: object): Given {
  return new (command.constructor as new (input: object) => Given)(input);
}
