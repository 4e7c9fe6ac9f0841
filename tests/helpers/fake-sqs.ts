// An SQS client that answers from a script: what each batch call held is kept, and entries fail as they are told to.
import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

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

/** The code with which the entry fails; undefined: it succeeds. May throw, and the whole call fails. */
export type EntryFate = (operation: BatchOperation, entry: BatchEntry, call: number) => string | undefined;

export interface FakeSqs {
  client: SQSClient;
  calls: BatchCall[];
  /** Bodies that were accepted, in the order of acceptance. */
  sent(): string[];
}

export function createFakeSqs(fateOf: EntryFate = () => undefined): FakeSqs {
  const calls: BatchCall[] = [];
  const accepted: string[] = [];

  const send = async (command: unknown) => {
    const operation = operationOf(command);
    const { QueueUrl = '', Entries = [] } = (
      command as { input: { QueueUrl?: string; Entries?: BatchEntry[] } }
    ).input;
    calls.push({ operation, queueUrl: QueueUrl, entries: Entries });
    const call = calls.length;
    const Failed: BatchResultErrorEntry[] = [];
    for (const entry of Entries) {
      const code = fateOf(operation, entry, call);
      if (code !== undefined)
        Failed.push({ Id: entry.Id, Code: code, Message: `scripted ${code}`, SenderFault: false });
      else if (entry.MessageBody !== undefined) accepted.push(entry.MessageBody);
    }
    // SQS leaves the list away when it is empty.
    return Failed.length > 0 ? { Failed } : {};
  };
  return { client: { send } as unknown as SQSClient, calls, sent: () => [...accepted] };
}

function operationOf(command: unknown): BatchOperation {
  if (command instanceof SendMessageBatchCommand) return 'send';
  if (command instanceof DeleteMessageBatchCommand) return 'delete';
  if (command instanceof ChangeMessageVisibilityBatchCommand) return 'visibility';
  throw new Error('the fake SQS knows batch calls only');
}
