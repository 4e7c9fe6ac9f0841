// Answers the writes of objects to chosen buckets inside the upload function, at its S3 client's request handler: at once, without
// HTTP, and nothing is stored. Manifests, outcomes, reports, queues and the ledger stay real: a million rows can be counted.
//
//   PutObject            200 with the MD5 of its bytes as ETag, and the checksum that was sent
//   CopyObject           200 with an ETag made of the source's address: no source is looked at
//   keys with `refuses`  403 AccessDenied, so that their rows fail
//   anything else        goes to the embedded S3, where none of these objects exist
//
// A condition (If-None-Match) always holds, since no object exists.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { WriteStubber } from '../../functions/runtime/embedded-writes.ts';

/** Which writes are answered so. It is sent to threads as data. */
export interface WriteStub {
  buckets: readonly string[];
  /** Text of the keys whose writes are refused. Absent: none. */
  refuses?: string;
}

type Handler = S3Client['config']['requestHandler'];
type Request = Parameters<Handler['handle']>[0];
type Answer = Awaited<ReturnType<Handler['handle']>>['response'];

const COPY_SOURCE = 'x-amz-copy-source';
const CHECKSUM_PREFIX = 'x-amz-checksum-';
const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>';

export function createWriteStubber(stub: WriteStub): WriteStubber {
  return (s3) => {
    const handler = s3.config.requestHandler;
    const send = handler.handle.bind(handler) as Handler['handle'];
    handler.handle = async (request: Request, options?: Parameters<typeof send>[1]) => {
      const response = answerOf(request, stub);
      return response === undefined ? send(request, options) : { response };
    };
    return s3;
  };
}

function answerOf(request: Request, { buckets, refuses }: WriteStub): Answer | undefined {
  const { method, path, query, headers, body } = request;
  // A query names another operation, such as a part's. The SDK alone sends `x-id`, which names this one.
  const isWhole = Object.keys(query ?? {}).every((name) => name === 'x-id');
  if (method !== 'PUT' || !isWhole) return undefined;
  // The embedded S3 is called at an address, so the path begins with the bucket.
  const [, bucket = '', encodedKey = ''] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
  if (encodedKey === '' || !buckets.includes(bucket)) return undefined;
  if (refuses !== undefined && decodeURIComponent(encodedKey).includes(refuses)) return refusal();
  const source = headers[COPY_SOURCE];
  if (source !== undefined) return copied(etagOf(source));
  if (!(body instanceof Uint8Array)) return undefined;
  const checksums = Object.entries(headers).filter(([name]) => name.startsWith(CHECKSUM_PREFIX));
  return answer(200, '', { etag: etagOf(body), ...Object.fromEntries(checksums) });
}

function copied(etag: string): Answer {
  return answer(
    200,
    `${XML_HEAD}<CopyObjectResult><LastModified>2026-01-01T00:00:00.000Z</LastModified>` +
      `<ETag>${etag}</ETag></CopyObjectResult>`,
  );
}

function refusal(): Answer {
  return answer(
    403,
    `${XML_HEAD}<Error><Code>AccessDenied</Code><Message>The stub of the destination refuses this key</Message></Error>`,
  );
}

function etagOf(bytes: string | Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function answer(statusCode: number, text: string, headers: Record<string, string> = {}): Answer {
  const body = Readable.from(text === '' ? [] : [Buffer.from(text)], { objectMode: false });
  return { statusCode, headers: { 'x-amz-request-id': 'STUB', ...headers }, body } as Answer;
}
