// Requests as API Gateway's HTTP API passes them on: which bodies come as text, and which as bytes.
import { describe, expect, it } from 'vitest';
import { toHttpEvent } from '../../local/lambda/http-event.ts';

const LATIN1 = Buffer.from('caf\xe9', 'latin1');

function eventOf(contentType: string | undefined, body: Buffer) {
  return toHttpEvent(
    {
      method: 'POST',
      url: '/jobs',
      headers: contentType === undefined ? {} : { 'content-type': contentType },
      body,
      sourceIp: '127.0.0.1',
    },
    {
      routeKey: 'POST /jobs',
      pathParameters: {},
      caller: { kind: 'iam' },
      accountId: '000000000000',
      requestId: 'r',
      nowMs: 0,
    },
  );
}

it('has every name of its query, those that objects inherit among them, and joins repeated ones', () => {
  const query = '__proto__=1&constructor=2&a=3&a=4&__proto__=5';
  const event = toHttpEvent(
    { method: 'GET', url: `/jobs?${query}`, headers: {}, body: Buffer.alloc(0), sourceIp: '127.0.0.1' },
    {
      ...{ routeKey: 'GET /jobs', pathParameters: {}, caller: { kind: 'anonymous' } },
      ...{ accountId: '000000000000', requestId: 'r', nowMs: 0 },
    },
  );
  expect(Object.entries(event.queryStringParameters ?? {})).toEqual([
    ['__proto__', '1,5'],
    ['constructor', '2'],
    ['a', '3,4'],
  ]);
});

describe('a body', () => {
  it.each([
    'text/csv',
    'text/plain',
    'Text/CSV; charset=iso-8859-1',
    'application/json',
    'application/json; charset=utf-8',
    'application/xml',
    'application/javascript',
  ])('of %s is text, in which bytes that are not UTF-8 are replaced', (type) => {
    expect(eventOf(type, LATIN1)).toMatchObject({ body: 'caf\ufffd', isBase64Encoded: false });
  });

  it.each([
    'application/csv',
    'application/x-ndjson',
    'application/jsonl',
    'application/gzip',
    'application/x-www-form-urlencoded',
    'application/problem+json',
    undefined,
  ])('of %s is bytes, as they are', (type) => {
    expect(eventOf(type, LATIN1)).toMatchObject({ body: LATIN1.toString('base64'), isBase64Encoded: true });
  });

  it('that is empty is none', () => {
    expect(eventOf('text/csv', Buffer.alloc(0))).not.toHaveProperty('body');
  });
});
