// SQS's batch calls that bypass the SDK's middleware, as small writes of objects do (direct-writes.ts): it takes most of the
// processor time of ingest's sending. What is not answered at once by a plain success is left to the SDK, which owns all retries.
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Clock } from '../time/clock.ts';
import { textOf } from './read-answer.ts';
import { createModels, learnModel, sendByModel } from './request-model.ts';

export interface BatchInput {
  QueueUrl: string | undefined;
  Entries: readonly object[] | undefined;
}

/** SQS names each entry in one of the two. */
export interface BatchAnswer {
  Successful: { Id: string }[];
  Failed: { Id: string; SenderFault: boolean; Code: string; Message?: string }[];
}

/** Queues whose models are kept: a function sends to few. */
const MOST_MODELS = 20;

export function createDirectBatches(sqs: SQSClient, clock: Clock) {
  const models = createModels(MOST_MODELS, (queueUrl) => {
    const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl });
    return learnModel('sqs', command, () => sqs.send(command));
  });

  async function call(action: string, { QueueUrl, Entries }: BatchInput): Promise<BatchAnswer | undefined> {
    if (QueueUrl === undefined || Entries === undefined) return undefined;
    const model = await models.of(QueueUrl);
    if (model === undefined) return undefined;
    const { response } = await sendByModel(sqs, clock, model, {
      method: 'POST',
      path: model.path,
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` },
      body: Buffer.from(JSON.stringify({ QueueUrl, Entries })),
    });
    const { text, isWhole } = await textOf(response.body, clock);
    return response.statusCode === 200 && isWhole ? answerFrom(text, Entries.length) : undefined;
  }

  return {
    /**
     * @param action the call's name: `SendMessageBatch`
     * @returns undefined where SQS did not answer with success for the call as a whole. The SDK is to make the call then: it
     *   tries again, and says what is wrong
     */
    async send(action: string, input: BatchInput): Promise<BatchAnswer | undefined> {
      try {
        return await call(action, input);
      } catch {
        return undefined;
      }
    },
  };
}

function answerFrom(text: string, entries: number): BatchAnswer | undefined {
  const { Successful = [], Failed = [] } = JSON.parse(text) as Partial<BatchAnswer>;
  return Successful.length + Failed.length === entries ? { Successful, Failed } : undefined;
}
