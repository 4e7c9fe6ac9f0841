// The few SQS calls that Lambda's pollers make. Plain HTTP instead of the SDK: a poller moves every message, and the SDK's
// part in it would be paid for by the functions' cores.
import { Agent, request } from 'node:http';
import { KEY_OF_AWS } from '../iam/authorizer.ts';

export interface ReceivedMessage {
  MessageId: string;
  ReceiptHandle: string;
  Body: string;
  MD5OfBody: string;
  Attributes?: Record<string, string>;
  MessageAttributes?: Record<string, MessageAttribute>;
  MD5OfMessageAttributes?: string;
}

export interface MessageAttribute {
  DataType: string;
  StringValue?: string;
  BinaryValue?: string;
}

export interface QueueClient {
  receive(
    queueUrl: string,
    options: { maxMessages: number; waitSeconds: number },
    signal?: AbortSignal,
  ): Promise<ReceivedMessage[]>;
  /** The entries that SQS did not delete; at most 10 are given. */
  deleteBatch(queueUrl: string, receiptHandles: string[]): Promise<{ failed: string[] }>;
  send(queueUrl: string, message: ReceivedMessage): Promise<void>;
  close(): void;
}

/** @param accessKeyId the poller acts under the role of its function */
export function createQueueClient({
  endpoint,
  region,
  accessKeyId,
}: {
  endpoint: string;
  region: string;
  accessKeyId: string;
}): QueueClient {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const { hostname, port } = new URL(endpoint);
  /** No real signature; its scope says which service and region are meant. */
  const signedBy = (key: string) => ({
    'content-type': 'application/x-amz-json-1.0',
    authorization: `AWS4-HMAC-SHA256 Credential=${key}/20260101/${region}/sqs/aws4_request, SignedHeaders=host, Signature=0`,
  });
  const ofRole = signedBy(accessKeyId);
  /** Lambda itself moves the messages of a loop that it has stopped. */
  const ofLambda = signedBy(KEY_OF_AWS);

  function call(action: string, body: object, signal?: AbortSignal): Promise<Record<string, unknown>> {
    const text = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          hostname,
          port,
          method: 'POST',
          agent,
          headers: {
            ...(action === 'SendMessage' ? ofLambda : ofRole),
            'x-amz-target': `AmazonSQS.${action}`,
            'content-length': Buffer.byteLength(text),
          },
          ...(signal === undefined ? {} : { signal }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const answer = Buffer.concat(chunks).toString('utf8');
            if (response.statusCode === 200) resolve(answer === '' ? {} : JSON.parse(answer));
            else reject(new Error(`${action} answered ${response.statusCode}: ${answer.slice(0, 500)}`));
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }

  return {
    async receive(queueUrl, { maxMessages, waitSeconds }, signal) {
      const answer = await call(
        'ReceiveMessage',
        {
          QueueUrl: queueUrl,
          MaxNumberOfMessages: maxMessages,
          WaitTimeSeconds: waitSeconds,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        },
        signal,
      );
      return (answer.Messages as ReceivedMessage[] | undefined) ?? [];
    },

    async deleteBatch(queueUrl, receiptHandles) {
      const answer = await call('DeleteMessageBatch', {
        QueueUrl: queueUrl,
        Entries: receiptHandles.map((handle, index) => ({ Id: String(index), ReceiptHandle: handle })),
      });
      const failed = (answer.Failed as { Id: string; SenderFault: boolean }[] | undefined) ?? [];
      // A sender's fault (a handle that has expired) stays one however often it is tried.
      const again = failed.filter((entry) => !entry.SenderFault);
      return { failed: again.map((entry) => receiptHandles[Number(entry.Id)] ?? '') };
    },

    async send(queueUrl, message) {
      const group = message.Attributes?.MessageGroupId;
      await call('SendMessage', {
        QueueUrl: queueUrl,
        MessageBody: message.Body,
        ...(message.MessageAttributes === undefined ? {} : { MessageAttributes: message.MessageAttributes }),
        ...(group === undefined ? {} : { MessageGroupId: group }),
      });
    },

    close: () => agent.destroy(),
  };
}
