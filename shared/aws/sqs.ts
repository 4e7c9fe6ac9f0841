// SQS: the client, and the pipeline's calls, one request each. The module is loaded on demand: a batch of items that all end makes
// no call, and the cold start of upload does not wait for this code.
import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  type ChangeMessageVisibilityBatchRequestEntry,
  DeleteMessageBatchCommand,
  type DeleteMessageBatchRequestEntry,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs';
import type { Clock } from '../time/clock.ts';
import { onFirstUse } from '../time/on-first-use.ts';
import { type BatchInput, createDirectBatches } from './direct-batches.ts';

export type SqsSender = Pick<SQSClient, 'send'>;

/** The calls that are made past the SDK's middleware, by their names. */
const DIRECT_CALLS = new Map<unknown, string>([
  [SendMessageBatchCommand, 'SendMessageBatch'],
  [DeleteMessageBatchCommand, 'DeleteMessageBatch'],
  [ChangeMessageVisibilityBatchCommand, 'ChangeMessageVisibilityBatch'],
]);

/**
 * A client whose batch calls bypass the SDK's middleware. What fails so is left to the SDK, with one attempt less.
 *
 * Without the SDK's check of the MD5 that SQS answers for each message: the signature of a request covers the SHA-256 of its body,
 * so SQS refuses one that was damaged on the way.
 * @param config with the limits of a budget (limitsOf in clients.ts)
 */
export function createSqsClient(config: SQSClientConfig & { maxAttempts: number }, clock: Clock): SQSClient {
  const sdk = new SQSClient({ ...config, md5: false });
  const direct = createDirectBatches(sdk, clock);
  const secondAttempts = onFirstUse(
    () =>
      new SQSClient({
        ...config,
        md5: false,
        maxAttempts: config.maxAttempts - 1,
        requestHandler: sdk.config.requestHandler,
      }),
  );
  const bySdk = sdk.send.bind(sdk);
  const again = async (command: Parameters<typeof bySdk>[0]) => {
    const second = secondAttempts();
    try {
      return await second.send(command);
    } finally {
      // What SQS's refusal has told the SDK of its clock holds for the next direct call, too.
      sdk.config.systemClockOffset = second.config.systemClockOffset;
    }
  };
  const send = async (command: Parameters<typeof bySdk>[0]) => {
    const action = DIRECT_CALLS.get(command.constructor);
    if (action === undefined) return bySdk(command);
    return (await direct.send(action, command.input as BatchInput)) ?? again(command);
  };
  return Object.assign(sdk, { send: send as SQSClient['send'] });
}

/** Entries that the call did not take: it answers 200 all the same. */
async function failedIn(
  answer: Promise<{ Failed?: BatchResultErrorEntry[] | undefined }>,
): Promise<readonly BatchResultErrorEntry[]> {
  return (await answer).Failed ?? [];
}

export const sendBatch = (sqs: SqsSender, QueueUrl: string, Entries: SendMessageBatchRequestEntry[]) =>
  failedIn(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })));

export const deleteBatch = (sqs: SqsSender, QueueUrl: string, Entries: DeleteMessageBatchRequestEntry[]) =>
  failedIn(sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries })));

export const changeVisibilityBatch = (
  sqs: SqsSender,
  QueueUrl: string,
  Entries: ChangeMessageVisibilityBatchRequestEntry[],
) => failedIn(sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })));

export async function queueAttributes(
  sqs: SqsSender,
  QueueUrl: string,
  AttributeNames: QueueAttributeName[],
): Promise<Partial<Record<string, string>>> {
  return (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).Attributes ?? {};
}
