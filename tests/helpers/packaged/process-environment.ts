// An execution environment as Lambda has it: a process under the Runtime API that holds one function's unzipped package, sees
// no other module, and has no environment variables but the function's and Lambda's.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CreateEnvironment, Environment, EnvironmentResult } from '../../../local/lambda/environment.ts';
import type { HandlerError } from '../../../local/lambda/protocol.ts';
import { type RuntimeApi, startRuntimeApi } from './runtime-api.ts';

export interface UnpackedFunction {
  /** The folder of its package: LAMBDA_TASK_ROOT. */
  taskRoot: string;
  /** As the template names it: path/to/file.export */
  handler: string;
}

/** Longer than Lambda's 10 s: a busy machine starts several processes at once. */
const INIT_LIMIT_MS = 120_000;
const CLIENT = fileURLToPath(new URL('./runtime-client.ts', import.meta.url));

/**
 * @param functions by the names under which they are deployed
 * @param client script of another runtime client, as AWS's own
 */
export function processEnvironments(
  functions: Readonly<Record<string, UnpackedFunction>>,
  client: string = CLIENT,
): CreateEnvironment {
  return ({ clock, onOutput }, { variables, timeoutMs, memoryMb, clockSkewMs, web }) => {
    const name = variables['AWS_LAMBDA_FUNCTION_NAME'] ?? '';
    const unpacked = functions[name];
    if (unpacked === undefined) throw new Error(`no package of ${name} is unpacked`);
    if (clockSkewMs !== 0 || web !== undefined) {
      throw new Error('a packaged function has the clock and the network of its machine: set neither here');
    }
    const ended = Promise.withResolvers<EnvironmentResult>();
    let state: 'alive' | 'terminated' = 'alive';
    let reportedInit = false;
    const startedMs = clock.now();
    const started = start();

    async function start(): Promise<{ api: RuntimeApi; child: ChildProcess }> {
      const api = await startRuntimeApi();
      const child = spawn(process.execPath, [`--max-old-space-size=${memoryMb}`, client], {
        cwd: unpacked?.taskRoot,
        env: {
          ...variables,
          PATH: '/usr/local/bin:/usr/bin:/bin',
          LANG: 'en_US.UTF-8',
          LAMBDA_TASK_ROOT: unpacked?.taskRoot,
          _HANDLER: unpacked?.handler,
          AWS_LAMBDA_RUNTIME_API: api.address,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', onOutput);
      child.once('error', (error) => ended.resolve(exited(`the process did not start: ${error.message}`)));
      child.once('exit', (code, signal) => {
        state = 'terminated';
        ended.resolve(exited(`Runtime exited with ${signal ?? `exit status ${code}`}`));
        void api.stop();
      });
      return { api, child };
    }

    async function terminate(): Promise<void> {
      state = 'terminated';
      const { child } = await started;
      child.kill('SIGKILL');
      await ended.promise;
    }

    /** The outcome that comes first; undefined where the time is up before. */
    async function within<T>(limitMs: number, ...outcomes: Promise<T>[]): Promise<T | undefined> {
      const timer = new AbortController();
      const timeUp = clock.sleep(limitMs, timer.signal).then(
        () => undefined,
        () => undefined,
      );
      return await Promise.race([...outcomes, timeUp]).finally(() => timer.abort());
    }

    async function initialise(api: RuntimeApi): Promise<EnvironmentResult | { initMs?: number }> {
      const outcome = await within<EnvironmentResult | Awaited<RuntimeApi['initialised']>>(
        INIT_LIMIT_MS,
        api.initialised,
        ended.promise,
      );
      if (outcome?.kind === 'ready') {
        const initMs = clock.now() - startedMs;
        const first = !reportedInit;
        reportedInit = true;
        return first ? { initMs } : {};
      }
      await terminate();
      if (outcome?.kind === 'init-failed') return { kind: 'exited', durationMs: 0, error: outcome.error };
      return outcome ?? exited(`Init did not end within ${INIT_LIMIT_MS / 1000} s`);
    }

    const invoke: Environment['invoke'] = async ({ dieAt, ...request }) => {
      if (dieAt !== undefined) throw new Error('a packaged function is not killed at one of its requests');
      const { api } = await started;
      const init = await initialise(api);
      if ('kind' in init) return init;
      const beganMs = clock.now();
      const outcome = await within<EnvironmentResult | Awaited<ReturnType<RuntimeApi['invoke']>>>(
        timeoutMs,
        api.invoke({ ...request, deadlineMs: beganMs + timeoutMs }),
        ended.promise,
      );
      const took = { ...init, durationMs: clock.now() - beganMs };
      if (outcome === undefined) {
        await terminate();
        return { kind: 'timed-out', ...took };
      }
      // Requests are not counted: the process sends them by itself.
      if (outcome.kind === 'answered') return { ...took, ...outcome, requests: 0, cpuMs: 0, waitMs: 0 };
      if (outcome.kind === 'threw') return { ...took, ...outcome, requests: 0, cpuMs: 0, waitMs: 0 };
      return { ...outcome, ...took };
    };

    return { invoke, terminate, isAlive: () => state === 'alive' };
  };
}

function exited(errorMessage: string): EnvironmentResult {
  const error: HandlerError = { errorType: 'Runtime.ExitError', errorMessage, trace: [] };
  return { kind: 'exited', durationMs: 0, error };
}
