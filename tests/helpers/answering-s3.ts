// An S3 client that sends no requests: it records each, and the test answers it.
import { Readable } from 'node:stream';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

export interface SentRequest {
  protocol: string;
  method: string;
  hostname: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  /** Absent in a copy, or a HEAD. */
  body?: Uint8Array;
  /** The options that the HTTP handler was given. */
  options: { requestTimeout?: number; abortSignal?: AbortSignal };
}

export interface GivenAnswer {
  statusCode: number;
  headers?: Record<string, string>;
  text?: string;
}

export function answeringS3(
  answer: (request: SentRequest) => GivenAnswer,
  config: S3ClientConfig = {},
): { s3: S3Client; sent: SentRequest[] } {
  const sent: SentRequest[] = [];
  const s3 = new S3Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'A', secretAccessKey: 'B' },
    maxAttempts: 1,
    ...config,
    requestHandler: {
      handle: async (request: unknown, options: SentRequest['options'] = {}) => {
        // The SDK changes the request of a further attempt in place.
        const asked = { ...(request as SentRequest) };
        asked.headers = { ...asked.headers };
        asked.options = options;
        sent.push(asked);
        const { statusCode, headers: answered = {}, text = '' } = answer(asked);
        return {
          response: {
            statusCode,
            headers: answered,
            body: Readable.from(text === '' ? [] : [Buffer.from(text)]),
          },
        };
      },
    } as NonNullable<S3ClientConfig['requestHandler']>,
  });
  return { s3, sent };
}

/** Makes the SDK send its writes itself: direct writes leave requests without a signature to it. */
export function leftToSdk(s3: S3Client): S3Client {
  s3.middlewareStack.add(
    (next) => (args) => {
      delete (args.request as SentRequest).headers['authorization'];
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'unsign' },
  );
  return s3;
}

/** The SDK counts its tries in each request. */
export const isOfSdk = ({ headers }: SentRequest): boolean => headers['amz-sdk-invocation-id'] !== undefined;

export const errorAnswer = (statusCode: number, code: string, more = ''): GivenAnswer => ({
  statusCode,
  headers: { 'content-type': 'application/xml' },
  text: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>said S3</Message>${more}</Error>`,
});
