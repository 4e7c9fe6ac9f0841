// Small writes of objects that bypass the SDK's middleware. The middleware takes 0.5 ms of processor time a request. All the rest
// (signature, socket, answer) takes 0.25 ms (measured; PutObject of 1 KB, `maxAttempts: 1`).
//
// The SDK still decides what a request to a bucket looks like. It makes the first write to each bucket, which is caught before it
// leaves and serves as a model. All writes take their endpoint, host and signing scope from it. They use the client's own
// credentials, clock offset and request handler. The SDK itself has to write where the model is not signed by SigV4 with the
// caller's own credentials (directory buckets, multi-region access points).
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../time/clock.ts';
import { type Answer, describeAnswer } from './answer.ts';
import { ownerHeaders } from './bucket-owners.ts';
import { copyTimeoutMs } from './budgets.ts';
import { isProven, unproven } from './proof.ts';
import { textOf } from './read-answer.ts';
import { hostOf } from './redirect-target.ts';
import { otherRegion, REDIRECTS } from './redirects.ts';
import { createModels, learnModel, NO_BYTES, type RequestModel, sendByModel } from './request-model.ts';
import { elementText } from './xml-element.ts';

export interface DirectWrite {
  bucket: string;
  key: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** Absent: S3 has the bytes already. */
  body?: Uint8Array;
}

export interface StoredAnswer {
  etag: string;
  /** Names in lower case. */
  headers: Answer['headers'];
  text: string;
}

/** Buckets whose models are kept: a worker writes to few. */
const MOST_MODELS = 100;
const MODEL_KEY = 'model';

export function createDirectWrites(s3: S3Client, clock: Clock) {
  const models = createModels(MOST_MODELS, (bucket) => modelOfBucket(s3, bucket));

  return {
    /**
     * @returns undefined where the SDK has to write: a redirect, or a bucket that asks for another signature
     * @throws errors in the SDK's shape: `name` is S3's code, `$metadata.httpStatusCode` its status; NoProof where the
     *   endpoint took the request without S3's proof of a write
     */
    async send(
      { bucket, key, headers, body }: DirectWrite,
      cutOff?: AbortSignal,
    ): Promise<StoredAnswer | undefined> {
      const known = models.of(bucket);
      const model = await known;
      if (model === undefined) return undefined;
      const path = model.path + encodeKey(key);
      const owners = ownerHeaders(s3, bucket, headers['x-amz-copy-source']);
      const isCopy = body === undefined;
      const { response, signed } = await sendByModel(
        s3,
        clock,
        model,
        { method: 'PUT', path, headers: { ...owners, ...headers }, body },
        {
          ...(cutOff === undefined ? {} : { abortSignal: cutOff }),
          ...(isCopy ? { requestTimeout: copyTimeoutMs(cutOff) } : {}),
        },
      );
      const { text, isWhole } = await textOf(response.body, isCopy ? undefined : clock);
      const answer: Answer = {
        host: hostOf(model),
        status: response.statusCode,
        headers: response.headers,
        text,
        isWhole,
      };
      if (answer.status < 300 && !text.trimEnd().endsWith('</Error>')) {
        const etag = isCopy ? elementText(text, 'ETag') : answer.headers['etag'];
        if (etag !== undefined && isProven(etag, answer, isCopy))
          return { etag, headers: answer.headers, text };
        throw unproven(answer, isCopy);
      }
      const isElsewhere = answer.status === 400 && otherRegion(answer, { headers: signed }) !== undefined;
      if (REDIRECTS.has(answer.status) || isElsewhere) {
        // The SDK follows the redirect, and the next model has what it learned.
        models.forget(bucket, known);
        return undefined;
      }
      const fault = faultOf(answer);
      if (fault.name === 'RequestTimeTooSkewed') followClock(s3, response.headers['date'], clock);
      throw fault;
    },
  };
}

/** The request of a write to a bucket, but for its key. */
async function modelOfBucket(s3: S3Client, bucket: string): Promise<RequestModel | undefined> {
  const command = new PutObjectCommand({ Bucket: bucket, Key: MODEL_KEY, Body: NO_BYTES });
  const model = await learnModel('s3', command, () => s3.send(command));
  return model?.path.endsWith(`/${MODEL_KEY}`)
    ? { ...model, path: model.path.slice(0, -MODEL_KEY.length) }
    : undefined;
}

/** Keys that stand in a path as they are: most do. */
const PLAIN_KEY = /^[\w.~/-]*$/;

/** As the SDK encodes a key in a path: segment by segment, by RFC 3986. */
function encodeKey(key: string): string {
  if (PLAIN_KEY.test(key)) return key;
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function faultOf(answer: Answer): Error {
  const { status, text } = answer;
  const code = elementText(text, 'Code') ?? (status < 300 ? 'InternalError' : undefined);
  const condition = elementText(text, 'Condition');
  const fault = new Error(elementText(text, 'Message') ?? describeAnswer(answer));
  return Object.assign(fault, {
    ...(code === undefined ? {} : { name: code }),
    // Which of a request's conditions did not hold.
    ...(condition === undefined ? {} : { Condition: condition }),
    $metadata: { httpStatusCode: status < 300 ? 500 : status },
  });
}

/** The signature carries the time: as the SDK does, the client goes by S3's clock where its own is wrong. */
function followClock(s3: S3Client, date: string | undefined, clock: Clock): void {
  const atMs = Date.parse(date ?? '');
  if (!Number.isNaN(atMs)) s3.config.systemClockOffset = atMs - clock.now();
}
