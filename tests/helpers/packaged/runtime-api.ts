// The Runtime API of one execution environment: hands invocations to a runtime client and takes its answers.
//
//   GET  /2018-06-01/runtime/invocation/next               waits for an invocation
//   POST /2018-06-01/runtime/invocation/{id}/response      its answer
//   POST /2018-06-01/runtime/invocation/{id}/error         the error that its handler threw
//   POST /2018-06-01/runtime/init/error                    the handler could not be loaded
//
// Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HandlerError } from '../../../local/lambda/protocol.ts';

export interface RuntimeInvocation {
  requestId: string;
  /** JSON. */
  payload: string;
  /** Epoch milliseconds at which the environment is ended. */
  deadlineMs: number;
  invokedFunctionArn: string;
  traceId: string;
}

export type RuntimeAnswer = { kind: 'answered'; payload: string } | { kind: 'threw'; error: HandlerError };

export interface RuntimeApi {
  /** HOST:PORT, as AWS_LAMBDA_RUNTIME_API has it. */
  address: string;
  /** Settles when the client first asks for an invocation, or when it reports that it has no handler. */
  initialised: Promise<{ kind: 'ready' } | { kind: 'init-failed'; error: HandlerError }>;
  /** One at a time. */
  invoke(invocation: RuntimeInvocation): Promise<RuntimeAnswer>;
  stop(): Promise<void>;
}

const PREFIX = '/2018-06-01/runtime';
/** Lambda's quota for a synchronous answer. */
const ANSWER_LIMIT_BYTES = 6 * 1024 * 1024;
/** More than any error that a client describes; what is longer is cut. */
const ERROR_LIMIT_BYTES = 256 * 1024;

interface Running extends RuntimeInvocation {
  settle(answer: RuntimeAnswer): void;
}

export async function startRuntimeApi(): Promise<RuntimeApi> {
  const initialised = Promise.withResolvers<Awaited<RuntimeApi['initialised']>>();
  /** The client's open request for an invocation. */
  let asking: ServerResponse | undefined;
  let next: Running | undefined;
  let running: Running | undefined;

  function handOver(): void {
    if (asking === undefined || next === undefined) return;
    running = next;
    next = undefined;
    asking.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': running.requestId,
      'lambda-runtime-deadline-ms': String(running.deadlineMs),
      'lambda-runtime-invoked-function-arn': running.invokedFunctionArn,
      'lambda-runtime-trace-id': running.traceId,
    });
    asking.end(running.payload);
    asking = undefined;
  }

  /** @returns status and body of the answer to the client */
  async function take(method: string, path: string, request: IncomingMessage): Promise<[number, object]> {
    if (method === 'POST' && path === `${PREFIX}/init/error`) {
      const { text } = await readBody(request, ERROR_LIMIT_BYTES);
      initialised.resolve({ kind: 'init-failed', error: readError(text) });
      return ACCEPTED;
    }
    const [, id, what] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path.slice(PREFIX.length)) ?? [];
    if (method !== 'POST' || id === undefined) {
      return [404, { errorType: 'NotFound', errorMessage: `no ${method} ${path}` }];
    }
    const ended = running;
    if (ended === undefined || ended.requestId !== id) {
      return [400, { errorType: 'InvalidRequestID', errorMessage: `${id} is not being run` }];
    }
    const isError = what === 'error';
    const limitBytes = isError ? ERROR_LIMIT_BYTES : ANSWER_LIMIT_BYTES;
    const { text, sizeBytes } = await readBody(request, limitBytes);
    running = undefined;
    if (isError) ended.settle({ kind: 'threw', error: readError(text) });
    else if (sizeBytes > ANSWER_LIMIT_BYTES) {
      const errorMessage = `Response payload size exceeded maximum allowed payload size (${ANSWER_LIMIT_BYTES} bytes).`;
      ended.settle({
        kind: 'threw',
        error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage, trace: [] },
      });
      return [413, { errorType: 'RequestEntityTooLarge', errorMessage }];
    } else ended.settle({ kind: 'answered', payload: text });
    return ACCEPTED;
  }

  const server = createServer((request, response) => {
    const method = request.method ?? '';
    const path = request.url ?? '';
    if (method === 'GET' && path === `${PREFIX}/invocation/next`) {
      initialised.resolve({ kind: 'ready' });
      asking = response;
      handOver();
      return;
    }
    take(method, path, request).then(
      ([status, body]) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      // The client went away in the middle of its answer: its process ends the invocation.
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    initialised: initialised.promise,
    invoke(invocation) {
      if (next !== undefined || running !== undefined) {
        throw new Error('an execution environment runs one invocation at a time');
      }
      return new Promise((settle) => {
        next = { ...invocation, settle };
        handOver();
      });
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const ACCEPTED: [number, object] = [202, { status: 'OK' }];

/** Reads to the end, and keeps no more than one byte above the limit. */
async function readBody(
  request: IncomingMessage,
  limitBytes: number,
): Promise<{ text: string; sizeBytes: number }> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (sizeBytes <= limitBytes) chunks.push(chunk);
    sizeBytes += chunk.length;
  }
  return { text: Buffer.concat(chunks).subarray(0, limitBytes).toString('utf8'), sizeBytes };
}

function readError(text: string): HandlerError {
  try {
    const { errorType, errorMessage, stackTrace, trace } = JSON.parse(text) as Record<string, unknown>;
    const lines = stackTrace ?? trace;
    return {
      errorType: String(errorType ?? 'Error'),
      errorMessage: String(errorMessage ?? ''),
      trace: Array.isArray(lines) ? lines.map(String) : [],
    };
  } catch {
    return { errorType: 'Runtime.Unknown', errorMessage: text.slice(0, 1000), trace: [] };
  }
}
