// The runtime inside an execution environment: imports the handler's module once, then answers one invocation at a time,
// as the Node.js runtime of Lambda does.
import { enableCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { setEmbeddedWeb } from '../../functions/runtime/embedded-web.ts';
import { setEmbeddedWrites } from '../../functions/runtime/embedded-writes.ts';
import { skewClock } from './clock-skew.ts';
import { watchRequests } from './crash-point.ts';
import {
  type BootstrapData,
  CRASH_EXIT_CODE,
  describeError,
  type HandlerError,
  type InvokeMessage,
  type Work,
  type WorkerMessage,
} from './protocol.ts';
import { createWriteStubber } from './write-stub.ts';

type Handler = (event: unknown, context: object) => unknown;

/** Lambda's quota for a synchronous answer. */
const ANSWER_LIMIT_BYTES = 6 * 1024 * 1024;

const { handlerFile, handlerExport, clockSkewMs, compileCache, web, writes } = workerData as BootstrapData;
const port = parentPort;
if (port === null) throw new Error('the bootstrap runs in a worker thread');
const post = (message: WorkerMessage) => port.postMessage(message);

if (web !== undefined) setEmbeddedWeb(web);
if (writes !== undefined) setEmbeddedWrites(createWriteStubber(writes));
if (clockSkewMs !== 0) skewClock(clockSkewMs);
captureOutput(process.stdout);
captureOutput(process.stderr);
// Compiled code is shared by way of the disk: a cold start of the AWS SDK takes 150 ms instead of 200 ms.
enableCompileCache(compileCache);
const requests = watchRequests();

const handler = await importHandler();
if (handler !== undefined) {
  port.on('message', (message: InvokeMessage) => void answer(handler, message));
}

async function importHandler(): Promise<Handler | undefined> {
  const started = performance.now();
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(handlerFile).href);
    const found = module[handlerExport];
    if (typeof found !== 'function') {
      throw named('Runtime.HandlerNotFound', `${handlerFile} exports no function ${handlerExport}`);
    }
    if (found.length > 2) {
      throw named('Runtime.CallbackHandlerDeprecated', 'nodejs24.x calls no callback: return a promise');
    }
    post({ kind: 'ready', initMs: performance.now() - started });
    return found as Handler;
  } catch (error) {
    post({ kind: 'init-failed', error: describe(error) });
    return undefined;
  }
}

async function answer(handler: Handler, message: InvokeMessage): Promise<void> {
  const { requestId } = message;
  // The SDK's recursion detection reads it and sends it on as X-Amzn-Trace-Id.
  process.env._X_AMZN_TRACE_ID = message.traceId;
  const work = startWork();
  requests.arm(message.dieAt, (request) => {
    post({ kind: 'dying', requestId, request });
    return process.exit(CRASH_EXIT_CODE);
  });
  try {
    const result = await handler(JSON.parse(message.payload), createContext(message));
    const payload = JSON.stringify(result) ?? 'null';
    const sizeBytes = Buffer.byteLength(payload);
    if (sizeBytes > ANSWER_LIMIT_BYTES) {
      throw named(
        'Function.ResponseSizeTooLarge',
        `Response payload size (${sizeBytes} bytes) exceeded maximum allowed payload size (${ANSWER_LIMIT_BYTES} bytes).`,
      );
    }
    post({ kind: 'answered', requestId, payload, ...work() });
  } catch (error) {
    post({ kind: 'threw', requestId, error: describe(error), ...work() });
  }
}

/** @returns what was done from this call on */
function startWork(): () => Work {
  const cpu = process.threadCpuUsage();
  const loop = performance.eventLoopUtilization();
  return () => {
    const { user, system } = process.threadCpuUsage(cpu);
    const waitMs = performance.eventLoopUtilization(loop).idle;
    return { requests: requests.count(), cpuMs: (user + system) / 1000, waitMs };
  };
}

function createContext({ requestId, deadlineMs, invokedFunctionArn }: InvokeMessage): object {
  const { env } = process;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: requestId,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    // Lambda's runtime counts by the clock that the handler sees.
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs + clockSkewMs - Date.now()),
  };
}

/** Output goes the way of the answers, so that a line written before an answer arrives before it. */
function captureOutput(stream: NodeJS.WriteStream): void {
  stream.write = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
    post({ kind: 'written', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8') });
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') queueMicrotask(() => done());
    return true;
  };
}

function describe(error: unknown): HandlerError {
  if (error instanceof Error) return describeError(error);
  return { errorType: 'Error', errorMessage: String(error), trace: [] };
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
