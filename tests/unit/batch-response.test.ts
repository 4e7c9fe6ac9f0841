// How Lambda reads a function's answer to a batch of SQS messages.
import { describe, expect, it } from 'vitest';
import { readBatchAnswer } from '../../local/lambda/batch-response.ts';
import type { InvokeResult } from '../../local/lambda/host.ts';

const IDS = ['a', 'b', 'c'];
const answered = (answer: unknown): InvokeResult => ({ kind: 'answered', payload: JSON.stringify(answer) });
const raw = (payload: string): InvokeResult => ({ kind: 'answered', payload });
const failed: InvokeResult = {
  kind: 'failed',
  error: { errorType: 'Error', errorMessage: 'Task timed out', trace: [] },
};
const listing = (...ids: unknown[]) =>
  answered({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

describe('a batch with ReportBatchItemFailures', () => {
  it.each([
    { answer: 'null', result: raw('null') },
    { answer: 'nothing', result: raw('') },
    { answer: 'an empty string', result: raw('""') },
    { answer: 'an empty object', result: answered({}) },
    { answer: 'an empty list', result: listing() },
    { answer: 'null for a list', result: answered({ batchItemFailures: null }) },
  ])('is done as a whole on $answer', ({ result }) => {
    expect(readBatchAnswer(IDS, result, { reportBatchItemFailures: true })).toEqual({ done: IDS, kept: [] });
  });

  it.each([
    { answer: 'an error or a timeout', result: failed },
    { answer: 'text that is no JSON', result: raw('{"batchItemFailures": [') },
    { answer: 'a string', result: answered('ok') },
    { answer: 'a number', result: answered(0) },
    { answer: 'true', result: answered(true) },
    { answer: 'a bare list', result: answered([{ itemIdentifier: 'a' }]) },
    { answer: 'another key', result: answered({ batchItemFailure: [] }) },
    { answer: 'no list', result: answered({ batchItemFailures: 'a' }) },
    { answer: 'an empty itemIdentifier', result: listing('a', '') },
    { answer: 'a null itemIdentifier', result: listing(null) },
    { answer: 'a number for an itemIdentifier', result: listing(1) },
    { answer: 'an entry without itemIdentifier', result: answered({ batchItemFailures: [{ id: 'a' }] }) },
    { answer: 'null for an entry', result: answered({ batchItemFailures: [null] }) },
    { answer: 'an itemIdentifier that is not in the batch', result: listing('a', 'z') },
  ])('fails as a whole on $answer', ({ result }) => {
    const answer = readBatchAnswer(IDS, result, { reportBatchItemFailures: true });
    expect(answer).toMatchObject({ done: [], kept: IDS });
    expect(answer.reason).not.toBe('');
  });

  it.each([
    { listed: ['b'], done: ['a', 'c'] },
    { listed: ['a', 'b', 'c'], done: [] },
    { listed: ['c', 'c'], done: ['a', 'b'] },
  ])('keeps exactly the listed: $listed', ({ listed, done }) => {
    const answer = readBatchAnswer(IDS, listing(...listed), { reportBatchItemFailures: true });
    expect(answer.done).toEqual(done);
    expect(new Set(answer.kept)).toEqual(new Set(listed));
  });
});

describe('a batch without ReportBatchItemFailures', () => {
  it.each([listing('a'), raw('no JSON'), answered({ anything: 1 })])('is done on any answer', (result) => {
    expect(readBatchAnswer(IDS, result, { reportBatchItemFailures: false })).toEqual({ done: IDS, kept: [] });
  });

  it('stays in the queue on an error', () => {
    expect(readBatchAnswer(IDS, failed, { reportBatchItemFailures: false })).toMatchObject({
      done: [],
      kept: IDS,
    });
  });
});
