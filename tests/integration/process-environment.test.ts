// The environments in which packaged functions are tried: a process under the Runtime API that has its package's files and variables
// and nothing else, and whose ends are told apart.
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../local/lambda/environment.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { processEnvironments } from '../helpers/packaged/process-environment.ts';

/** No handler here is ended for its time, but for the one that never answers. */
const TIMEOUT_MS = 600_000;

let taskRoot: string;
beforeAll(async () => {
  taskRoot = await realpath(await mkdtemp(path.join(tmpdir(), 'spillway-task-')));
});
afterAll(() => rm(taskRoot, { recursive: true, force: true }));

let environment: Environment | undefined;
afterEach(() => environment?.terminate());
const output: string[] = [];

async function start(source: string, timeoutMs = TIMEOUT_MS): Promise<Environment> {
  await writeFile(path.join(taskRoot, 'index.mjs'), source);
  const create = processEnvironments({ tried: { taskRoot, handler: 'index.handler' } });
  environment = create(
    { clock: systemClock, onOutput: (text) => void output.push(text) },
    {
      handlerFile: path.join(taskRoot, 'index.mjs'),
      handlerExport: 'handler',
      clockSkewMs: 0,
      timeoutMs,
      memoryMb: 128,
      variables: { AWS_LAMBDA_FUNCTION_NAME: 'tried', OWN: 'value' },
    },
  );
  return environment;
}

const request = {
  requestId: 'r-1',
  payload: '{"asked":1}',
  traceId: 'Root=1-0',
  invokedFunctionArn: 'arn:tried',
};

describe('a packaged function', () => {
  it('answers one invocation after the other, with its state and its context', async () => {
    const { invoke } = await start(
      `let calls = 0; export const handler = async (event, { awsRequestId, invokedFunctionArn }) =>
         ({ event, awsRequestId, invokedFunctionArn, trace: process.env._X_AMZN_TRACE_ID, calls: ++calls });`,
    );
    for (const calls of [1, 2]) {
      const result = await invoke({ ...request, requestId: `r-${calls}` });
      expect(result).toMatchObject({ kind: 'answered' });
      expect(JSON.parse('payload' in result ? result.payload : '')).toEqual({
        event: { asked: 1 },
        awsRequestId: `r-${calls}`,
        invokedFunctionArn: 'arn:tried',
        trace: 'Root=1-0',
        calls,
      });
      expect('initMs' in result).toBe(calls === 1);
    }
  });

  it('has the variables of its function and of Lambda, and none of the machine', async () => {
    const { invoke } = await start('export const handler = async () => process.env;');
    const result = await invoke(request);
    expect(Object.keys(JSON.parse('payload' in result ? result.payload : '{}')).sort()).toEqual([
      'AWS_LAMBDA_FUNCTION_NAME',
      'AWS_LAMBDA_RUNTIME_API',
      'LAMBDA_TASK_ROOT',
      'LANG',
      'OWN',
      'PATH',
      '_HANDLER',
      '_X_AMZN_TRACE_ID',
    ]);
  });

  it('fails by the error that its handler throws, and goes on', async () => {
    const { invoke, isAlive } = await start(
      `export const handler = async () => { throw new RangeError('too far'); };`,
    );
    expect(await invoke(request)).toMatchObject({
      kind: 'threw',
      error: { errorType: 'RangeError', errorMessage: 'too far' },
    });
    expect(isAlive()).toBe(true);
  });

  it.each([
    ['lacks a package that the project has', `import 'zod';`, /Cannot find package 'zod'/],
    ['exports no handler', 'export const other = 1;', /index\.handler is undefined or not exported/],
    ['takes a callback', 'export const handler = (event, context, callback) => callback();', /callback/],
  ])('does not start where it %s', async (_, source, says) => {
    const { invoke, isAlive } = await start(source);
    const result = await invoke(request);
    expect(result).toMatchObject({ kind: 'exited', error: { errorMessage: expect.stringMatching(says) } });
    expect(isAlive()).toBe(false);
  });

  it('ends its environment with its process', async () => {
    const { invoke, isAlive } = await start(
      `export const handler = async () => { process.stdout.write('last words'); process.exit(3); };`,
    );
    const result = await invoke(request);
    expect(result).toMatchObject({
      kind: 'exited',
      error: { errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited with exit status 3' },
    });
    expect(isAlive()).toBe(false);
  });

  it('is ended when its time is up', async () => {
    const { invoke, isAlive } = await start('export const handler = () => new Promise(() => undefined);', 1);
    expect(await invoke(request)).toMatchObject({ kind: 'timed-out' });
    expect(isAlive()).toBe(false);
  });
});
