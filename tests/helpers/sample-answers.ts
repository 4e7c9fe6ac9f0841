// What the functions answer to the samples of events/, on an embedded cloud that holds nothing: its account takes the place of the
// samples' own, and the sources of the last three arrivals are in no parameter.
import { readdirSync, readFileSync } from 'node:fs';
import type { APIGatewayProxyResult, SQSEvent } from 'aws-lambda';
import { expect } from 'vitest';

const EVENTS = new URL('../../events/', import.meta.url);

export interface Sample {
  file: string;
  /** Of serverless.yml. */
  functionName: string;
}

export const SAMPLES: readonly Sample[] = readdirSync(EVENTS)
  .filter((file) => file.endsWith('.json'))
  .map((file) => ({
    file,
    functionName: file.startsWith('dead-letters-') ? 'deadLetters' : (file.split('-')[0] ?? ''),
  }));

export function readSample(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, EVENTS), 'utf8'));
}

/** The others are orders to a job that is not there. */
const STATUSES: Readonly<Record<string, number>> = {
  'api-get-deadletters.json': 200,
  'api-get-jobs.json': 200,
  'api-post-jobs-place.json': 403,
  'api-post-jobs-text.json': 202,
  'api-post-jobs.json': 202,
  'api-post-plans-place.json': 403,
  'api-post-plans.json': 200,
  'api-post-uploads.json': 201,
};

/** Which records go back to their queue: of inboxes that are not listed, and the message that is no item. */
const FAILED: Readonly<Record<string, number>> = {
  'ingest-eventbridge-created.json': 0,
  'ingest-sns-put.json': 0,
  'ingest-sns-raw.json': 0,
  'upload-batch.json': 3,
};

export function expectAnswer({ file, functionName }: Sample, answer: unknown): void {
  if (functionName === 'sweep') {
    expect(answer ?? null).toBeNull();
  } else if (functionName === 'api') {
    const { statusCode, body } = answer as APIGatewayProxyResult;
    expect([file, statusCode, body]).toEqual([
      file,
      STATUSES[file] ?? 404,
      expect.stringMatching(/^\{.*\}$/),
    ]);
  } else {
    const record = (readSample(file) as SQSEvent).Records[FAILED[file] ?? -1];
    const failures = record === undefined ? [] : [{ itemIdentifier: record.messageId }];
    expect([file, answer]).toEqual([file, { batchItemFailures: failures }]);
  }
}
