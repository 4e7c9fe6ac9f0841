// A request as the SDK would send it: caught before it leaves, it is the model of those that bypass the SDK's middleware
// (direct-writes.ts, direct-batches.ts). The SDK still decides on endpoint, host and signing scope.
import type { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createSigner, type Signer } from './signature.ts';

export interface RequestModel {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  /** Names in lower case: `host` and `user-agent`. */
  headers: Record<string, string>;
  signer: Signer;
}

/** @returns undefined where the request is not signed by SigV4 with the caller's own credentials */
export async function modelOfWrite(
  s3: S3Client,
  command: PutObjectCommand,
): Promise<RequestModel | undefined> {
  const caught = catchRequest();
  command.middlewareStack.add(caught.middleware, caught.options);
  await s3.send(command);
  return modelOf(caught.request(), 's3');
}

/** As modelOfWrite. */
export async function modelOfCall(
  sqs: SQSClient,
  command: GetQueueAttributesCommand,
): Promise<RequestModel | undefined> {
  const caught = catchRequest();
  command.middlewareStack.add(caught.middleware, caught.options);
  await sqs.send(command);
  return modelOf(caught.request(), 'sqs');
}

interface CaughtRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  headers: Record<string, string>;
}

function catchRequest() {
  let caught: unknown;
  return {
    middleware: () => async (args: { request: unknown }) => {
      caught = args.request;
      return { response: { statusCode: 200, headers: {} }, output: { $metadata: {} } };
    },
    // Before the first middleware behind the signature: nothing is sent.
    options: { step: 'deserialize', priority: 'high', name: 'catchRequest' } as const,
    request: () => caught as CaughtRequest,
  };
}

function modelOf(
  { protocol, hostname, port, path, headers }: CaughtRequest,
  expected: string,
): RequestModel | undefined {
  const [, region, service] =
    /^AWS4-HMAC-SHA256 Credential=[^,]*\/([^/,]+)\/([^/,]+)\/aws4_request,/.exec(
      headers['authorization'] ?? '',
    ) ?? [];
  if (region === undefined || service !== expected) return undefined;
  return {
    protocol,
    hostname,
    ...(port === undefined ? {} : { port }),
    path,
    headers: { host: headers['host'] ?? hostname, 'user-agent': headers['user-agent'] ?? 'spillway' },
    signer: createSigner({ region, service }),
  };
}

/** Lambda detects recursive loops of functions by this header. The SDK sends it along, too. */
export function traceHeader(): Record<string, string> {
  if (process.env['AWS_LAMBDA_FUNCTION_NAME'] === undefined) return {};
  const traceId = process.env['_X_AMZN_TRACE_ID'];
  return traceId === undefined || traceId === '' ? {} : { 'x-amzn-trace-id': traceId };
}
