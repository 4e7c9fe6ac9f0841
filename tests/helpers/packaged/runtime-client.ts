// A runtime client, run in a process of its own: loads the handler that the environment names, asks the Runtime API for one
// invocation after the other, and answers. It stands for AWS's client (aws-lambda-ric), which has to be compiled.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

type Handler = (event: unknown, context: object) => unknown;

const { AWS_LAMBDA_RUNTIME_API = '', LAMBDA_TASK_ROOT = '', _HANDLER = '' } = process.env;
const RUNTIME = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;

const handler = await loadHandler().catch(async (error: unknown) => {
  await post('/init/error', describe(error));
  return process.exit(1);
});
while (true) {
  const response = await fetch(`${RUNTIME}/invocation/next`);
  const event: unknown = await response.json();
  await answer(handler, event, response.headers);
}

async function loadHandler(): Promise<Handler> {
  const [, module = '', name = ''] = /^(.*\/[^/.]*|[^/.]*)\.(.*)$/.exec(_HANDLER) ?? [];
  const base = path.resolve(LAMBDA_TASK_ROOT, module);
  // The order of AWS's client.
  const file = ['', '.js', '.mjs', '.cjs']
    .map((extension) => base + extension)
    .find((each) => existsSync(each));
  if (file === undefined) throw named('Runtime.ImportModuleError', `Cannot find module '${module}'`);
  const found = ((await import(pathToFileURL(file).href)) as Record<string, unknown>)[name];
  if (typeof found !== 'function') {
    throw named('Runtime.HandlerNotFound', `${_HANDLER} is undefined or not exported`);
  }
  if (found.length > 2) throw named('Runtime.CallbackHandlerDeprecated', `${_HANDLER} takes a callback`);
  return found as Handler;
}

async function answer(handler: Handler, event: unknown, headers: Headers): Promise<void> {
  const requestId = headers.get('lambda-runtime-aws-request-id') ?? '';
  process.env['_X_AMZN_TRACE_ID'] = headers.get('lambda-runtime-trace-id') ?? '';
  let body: unknown;
  let what = 'response';
  try {
    body = (await handler(event, createContext(requestId, headers))) ?? null;
  } catch (error) {
    body = describe(error);
    what = 'error';
  }
  await post(`/invocation/${requestId}/${what}`, body);
}

function createContext(requestId: string, headers: Headers): object {
  const { env } = process;
  const deadlineMs = Number(headers.get('lambda-runtime-deadline-ms'));
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env['AWS_LAMBDA_FUNCTION_NAME'],
    functionVersion: env['AWS_LAMBDA_FUNCTION_VERSION'],
    memoryLimitInMB: env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    logGroupName: env['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: env['AWS_LAMBDA_LOG_STREAM_NAME'],
    invokedFunctionArn: headers.get('lambda-runtime-invoked-function-arn'),
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

async function post(place: string, body: unknown): Promise<void> {
  const response = await fetch(`${RUNTIME}${place}`, { method: 'POST', body: JSON.stringify(body) });
  await response.arrayBuffer();
}

function describe(error: unknown): object {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
