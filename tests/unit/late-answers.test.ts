// How long an answer is waited for: small writes have a short limit, and a copy has none but its signal.

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLIENT_BUDGETS, mostCallMs } from '../../shared/aws/budgets.ts';
import { classifyFault } from '../../shared/aws/classify.ts';
import { answeringS3, leftToSdk } from '../helpers/answering-s3.ts';
import { createItemWrites, type ItemWrite } from '../helpers/item-writes.ts';
import { aCopyTo } from '../helpers/records.ts';

const LIMIT_MS = 50;
const destination = { bucket: 'bucket', key: 'k' };
const BYTES: ItemWrite = {
  item: { key: 'k', text: 'x' },
  destination,
  ifExists: 'overwrite',
};
const COPY = aCopyTo(destination);
const RESULT = '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>';

describe.each([
  { by: 'past the SDK', prepare: (s3: S3Client) => s3 },
  { by: 'by the SDK', prepare: leftToSdk },
])('a write $by to a server that does not answer', ({ prepare }) => {
  let copyArrived: PromiseWithResolvers<ServerResponse>;
  let s3: S3Client;
  const server = createServer((request, response) => {
    request.resume();
    if (request.headers['x-amz-copy-source'] !== undefined) copyArrived.resolve(response);
  });

  beforeEach(async () => {
    copyArrived = Promise.withResolvers();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    s3 = prepare(
      new S3Client({
        region: 'us-east-1',
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        forcePathStyle: true,
        credentials: { accessKeyId: 'A', secretAccessKey: 'B' },
        maxAttempts: 1,
        requestHandler: { requestTimeout: LIMIT_MS, throwOnRequestTimeout: true },
      }),
    );
  });

  afterEach(async () => {
    s3.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('is given up in time where it is of bytes, and waited for where it is a copy', async () => {
    const writer = createItemWrites(s3);
    const cutOff = new AbortController();
    const copied = writer.write(COPY, cutOff.signal);
    const copy = await copyArrived.promise;
    // The limit of this write, which is sent later, ends while the copy still waits.
    const given = await writer.write(BYTES, cutOff.signal).catch((error: unknown) => error);
    expect(classifyFault(given)).toMatchObject({ kind: 'transient', code: 'TimeoutError' });
    copy.end(RESULT);
    expect(await copied).toEqual({ etag: '"e"' });
  });

  it('is ended by its signal', async () => {
    const writer = createItemWrites(s3);
    const cutOff = new AbortController();
    const copied = writer.write(COPY, cutOff.signal).catch((error: unknown) => error);
    await copyArrived.promise;
    cutOff.abort();
    expect(classifyFault(await copied)).toMatchObject({ kind: 'transient', code: 'AbortError' });
  });
});

it('tells the HTTP handler so for a copy, and leaves the client’s limit to all else', async () => {
  const { s3, sent } = answeringS3(({ method, headers }) => {
    if (method === 'HEAD') return { statusCode: 200, headers: { etag: '"s"' } };
    return headers['x-amz-copy-source'] === undefined
      ? { statusCode: 200, headers: { etag: '"e"' } }
      : { statusCode: 200, text: RESULT };
  });
  const writer = createItemWrites(s3);
  const { signal } = new AbortController();
  await writer.write(BYTES, signal);
  await writer.write(COPY, signal);
  await writer.write({ ...COPY, attributes: { contentType: 'a/b' } }, signal);
  // Without a signal a copy still comes to an end.
  await writer.write(COPY);
  const limits = sent.map(({ method, options }) => `${method} ${options.requestTimeout}`);
  expect(limits).toEqual(['PUT undefined', 'PUT 0', 'HEAD undefined', 'PUT 0', 'PUT 900000']);
});

it('gives every HEAD of a copy the signal that ends its work', async () => {
  const conflict = { statusCode: 412, text: '<Error><Code>PreconditionFailed</Code></Error>' };
  const { s3, sent } = answeringS3(({ method }) =>
    method === 'HEAD' ? { statusCode: 200, headers: { etag: '"s"' } } : conflict,
  );
  const { signal } = new AbortController();
  const writer = createItemWrites(s3);
  await expect(
    writer.write({ ...COPY, attributes: { contentType: 'a/b' }, ifExists: 'fail' }, signal),
  ).rejects.toBeDefined();
  await writer.recognise(COPY, signal);
  // Of the source before the copy and behind it, then of the object and its source.
  const heads = sent.filter(({ method }) => method === 'HEAD');
  expect(heads).toHaveLength(4);
  for (const { options } of heads) expect(options.abortSignal).toBe(signal);
});

it('counts attempts and the backoff between them', () => {
  expect(mostCallMs({ connectionMs: 1, requestMs: 3_000, attempts: 3 })).toBe(9_000 + 1_000 + 2_000);
  expect(mostCallMs({ connectionMs: 1, requestMs: 1, attempts: 1 })).toBe(1);
  expect(mostCallMs({ connectionMs: 1, requestMs: 0, attempts: 7 })).toBe(51_000);
  for (const budget of Object.values(CLIENT_BUDGETS)) expect(budget.attempts).toBeGreaterThanOrEqual(3);
});
