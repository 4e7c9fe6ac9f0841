// Bounds what an S3 client reads of an answer: an endpoint may be any server, and one that never stops sending would fill the
// memory. Objects are the exception: their readers stream them, with bounds of their own.
import type { S3Client } from '@aws-sdk/client-s3';
import { bounded, type RawAnswer } from './answer.ts';

/** A listing of 1,000 keys of 1,024 bytes, each byte escaped, has about 7 MB. */
const MOST_BYTES = 8 * 1024 * 1024;

/** @returns the client. The SDK can't read an answer that was cut, and throws */
export function boundAnswers(s3: S3Client): S3Client {
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const { method } = args.request as { method: string };
      const response = result.response as RawAnswer;
      const isObject = context['commandName'] === 'GetObjectCommand' && response.statusCode < 300;
      if (method !== 'HEAD' && !isObject) response.body = bounded(response.body, MOST_BYTES);
      return result;
    },
    // Next to the wire.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  );
  return s3;
}
