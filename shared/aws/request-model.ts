// A request as the SDK would send it: caught before it leaves, it is the model of those that bypass the SDK's middleware
// (direct-writes.ts, direct-batches.ts). The SDK still decides on endpoint, host and signing scope.
import type { S3ClientResolvedConfig } from '@aws-sdk/client-s3';
import type { Clock } from '../time/clock.ts';
import type { RawAnswer } from './answer.ts';
import type { SendOptions } from './proof.ts';
import type { SignedRequest } from './redirect-target.ts';
import { createSigner, type Signer, signedScope, type UnsignedRequest } from './signature.ts';

/** Of the headers it has `host` and `user-agent`; names are in lower case. */
export interface RequestModel extends SignedRequest {
  signer: Signer;
}

/** The models of a client's requests, by what they are sent to. @param most that are kept: a function sends to few */
export function createModels(most: number, learn: (target: string) => Promise<RequestModel | undefined>) {
  const models = new Map<string, Promise<RequestModel | undefined>>();
  return {
    of(target: string): Promise<RequestModel | undefined> {
      const known = models.get(target);
      if (known !== undefined) return known;
      if (models.size >= most) models.clear();
      const model = learn(target);
      models.set(target, model);
      // Credentials that are not available now may be available for the next request.
      model.catch(() => models.delete(target));
      return model;
    },
    /** Only if it is still this one: another request may have learned a newer model. */
    forget(target: string, model: Promise<RequestModel | undefined>): void {
      if (models.get(target) === model) models.delete(target);
    },
  };
}

/** What a client of any service has. */
interface Sender {
  config: Pick<S3ClientResolvedConfig, 'credentials' | 'requestHandler' | 'systemClockOffset'>;
}

export const NO_BYTES = new Uint8Array();

/**
 * Signs a request by the model, and sends it with the client's own credentials, clock offset and request handler.
 * @param request its headers stand beside the model's own
 */
export async function sendByModel(
  { config }: Sender,
  clock: Clock,
  { protocol, hostname, port, headers: own, signer }: RequestModel,
  {
    method,
    path,
    headers,
    body,
  }: Omit<UnsignedRequest, 'body' | 'query'> & { body?: Uint8Array | undefined },
  options?: SendOptions,
): Promise<{ response: RawAnswer; signed: Record<string, string> }> {
  const length = body === undefined ? {} : { 'content-length': String(body.length) };
  const signed = signer.sign(
    { method, path, headers: { ...own, ...headers, ...length, ...traceHeader() }, body: body ?? NO_BYTES },
    await config.credentials(),
    new Date(clock.now() + config.systemClockOffset),
  );
  const request = { protocol, hostname, port, method, path, query: {}, headers: signed, body };
  const { response } = await config.requestHandler.handle(request, options);
  return { response, signed };
}

/**
 * @param send sends the command
 * @returns undefined where the request is not signed by SigV4 for the service with the caller's own credentials
 */
export async function learnModel(
  service: 's3' | 'sqs',
  { middlewareStack }: { middlewareStack: CatchingStack },
  send: () => Promise<unknown>,
): Promise<RequestModel | undefined> {
  let caught: unknown;
  const catchRequest: CatchingMiddleware = () => async (args) => {
    caught = args.request;
    return { response: { statusCode: 200, headers: {} }, output: { $metadata: {} } };
  };
  // Before the first middleware behind the signature: nothing is sent.
  middlewareStack.add(catchRequest, { step: 'deserialize', priority: 'high', name: 'catchRequest' });
  await send();
  return modelOf(caught as SignedRequest, service);
}

type CatchingMiddleware = () => (args: {
  request: unknown;
}) => Promise<{ response: unknown; output: { $metadata: object } }>;
interface CatchingStack {
  add(middleware: CatchingMiddleware, options: { step: 'deserialize'; priority: 'high'; name: string }): void;
}

function modelOf(
  { protocol, hostname, port, path, headers }: SignedRequest,
  service: string,
): RequestModel | undefined {
  const scope = signedScope(headers);
  if (scope?.service !== service) return undefined;
  return {
    protocol,
    hostname,
    ...(port === undefined ? {} : { port }),
    path,
    headers: { host: headers['host'] ?? hostname, 'user-agent': headers['user-agent'] ?? 'spillway' },
    signer: createSigner(scope),
  };
}

/** Lambda detects recursive loops of functions by this header. The SDK sends it along, too. */
function traceHeader(): Record<string, string> {
  if (process.env['AWS_LAMBDA_FUNCTION_NAME'] === undefined) return {};
  const traceId = process.env['_X_AMZN_TRACE_ID'];
  return traceId === undefined || traceId === '' ? {} : { 'x-amzn-trace-id': traceId };
}
