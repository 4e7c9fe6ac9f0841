// A request as the SDK would send it: caught before it leaves, it is the model of those that bypass the SDK's middleware
// (direct-writes.ts, direct-batches.ts). The SDK still decides on endpoint, host and signing scope.
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

/**
 * @param send sends a command of the SDK's to which it has added the middleware
 * @returns undefined where the request is not signed by SigV4 for the service with the caller's own credentials
 */
export async function learnModel(
  service: 's3' | 'sqs',
  send: (middleware: CatchingMiddleware, options: typeof CATCHING) => Promise<unknown>,
): Promise<RequestModel | undefined> {
  let caught: unknown;
  const middleware: CatchingMiddleware = () => async (args) => {
    caught = args.request;
    return { response: { statusCode: 200, headers: {} }, output: { $metadata: {} } };
  };
  await send(middleware, CATCHING);
  return modelOf(caught as CaughtRequest, service);
}

type CatchingMiddleware = () => (args: {
  request: unknown;
}) => Promise<{ response: unknown; output: { $metadata: object } }>;

/** Before the first middleware behind the signature: nothing is sent. */
const CATCHING = { step: 'deserialize', priority: 'high', name: 'catchRequest' } as const;

interface CaughtRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  headers: Record<string, string>;
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
