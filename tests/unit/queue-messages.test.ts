// What travels on the queues: read as it was written, and anything else told apart, with the reason.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  messageBody,
  parseIngestMessage,
  parseSettleMessage,
  parseUploadMessage,
} from '../../shared/queue/messages.ts';
import { codePoint } from '../helpers/outside-values.ts';
import { anUploadMessage, JOB_ID } from '../helpers/records.ts';

/** The characters that SQS documents as allowed in a message, without those beyond the basic plane. */
const sqsTakes = (body: string) =>
  [...body].every((char) => {
    const code = char.codePointAt(0) ?? 0;
    return (
      [0x9, 0xa, 0xd].includes(code) || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd)
    );
  });

describe('an upload message', () => {
  it('comes back as it was, in characters that every SQS takes, whatever its key and text', () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint, minLength: 1, maxLength: 200 }), (text) => {
        fc.pre(!/[\uFFFE\uFFFF]/.test(text));
        const message = anUploadMessage({ item: { key: text, text } });
        const body = messageBody(message);
        expect(sqsTakes(body)).toBe(true);
        expect(parseUploadMessage(body)).toEqual({ kind: 'message', message });
      }),
    );
  });

  it.each([
    { what: 'another version', change: { v: 2 }, says: /v: / },
    { what: 'no job id', change: { job: 'x' }, says: /job: is not a job id/ },
    { what: 'a negative number', change: { number: -1 }, says: /number: / },
    { what: 'a fraction', change: { block: 1.5 }, says: /block: / },
    { what: 'an unknown field', change: { extra: true }, says: /extra/ },
    {
      what: 'an item without a payload',
      change: { item: { key: 'a' } },
      says: /item: is no item of a manifest/,
    },
    { what: 'an item with two', change: { item: { key: 'a', text: '', base64: '' } }, says: /item/ },
    { what: 'a text that is none', change: { item: { key: 'a', text: 5 } }, says: /item/ },
    { what: 'a source without a key', change: { item: { key: 'a', source: 's3://bucket' } }, says: /item/ },
    { what: 'no item', change: { item: null }, says: /item/ },
  ])('with $what is unreadable, and says so', ({ change, says }) => {
    const parsed = parseUploadMessage(JSON.stringify({ ...anUploadMessage(), ...change }));
    expect(parsed.kind).toBe('unreadable');
    expect(parsed.kind === 'unreadable' ? parsed.reason : '').toMatch(says);
  });
});

it.each(['', 'no JSON', '[]', 'null', '"text"', '{}'])('%o is unreadable on every queue', (body) => {
  for (const parse of [parseUploadMessage, parseSettleMessage, parseIngestMessage])
    expect(parse(body).kind).toBe('unreadable');
});

it('messages of one queue are none on another', () => {
  const bodies = {
    upload: messageBody(anUploadMessage()),
    settle: messageBody({ v: 1, job: JOB_ID, slice: 3 }),
    slice: messageBody({ v: 1, kind: 'slice', job: JOB_ID, slice: 3 }),
    plan: messageBody({ v: 1, kind: 'plan', job: JOB_ID }),
  };
  const readable = (parse: (body: string) => { kind: string }) =>
    Object.entries(bodies)
      .filter(([, body]) => parse(body).kind === 'message')
      .map(([name]) => name);
  expect(readable(parseUploadMessage)).toEqual(['upload']);
  expect(readable(parseSettleMessage)).toEqual(['settle']);
  expect(readable(parseIngestMessage)).toEqual(['slice', 'plan']);
});
