// One execution environment of Lambda: a worker thread with its own module state and environment variables, which runs
// one invocation at a time and is killed when that takes too long.
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../shared/time/clock.ts';
import {
  type BootstrapData,
  describeError,
  type EnvironmentRequest,
  type HandlerError,
  type InvokeMessage,
  type Work,
  type WorkerMessage,
} from './protocol.ts';

export interface EnvironmentOptions extends BootstrapData {
  timeoutMs: number;
  memoryMb: number;
  variables: Record<string, string>;
}

export interface EnvironmentEvents {
  /** Raw output of the function, not cut into lines. */
  onOutput(text: string): void;
}

export type EnvironmentResult = { durationMs: number /** only on a cold start */; initMs?: number } & (
  | ({ kind: 'answered'; payload: string } & Work)
  | ({ kind: 'threw'; error: HandlerError } & Work)
  | { kind: 'timed-out' }
  /** Ended by itself: an uncaught error, process.exit, memory used up. */
  | { kind: 'exited'; error: HandlerError }
  | { kind: 'crashed'; request: number }
);

export interface Environment {
  invoke(request: EnvironmentRequest): Promise<EnvironmentResult>;
  /** False once the worker has ended: it takes no further invocation. */
  isAlive(): boolean;
  terminate(): Promise<void>;
}

/** How the host makes an environment. */
export type CreateEnvironment = (
  dependencies: { clock: Clock } & EnvironmentEvents,
  options: EnvironmentOptions,
) => Environment;

/** Lambda allows the init phase 10 s; a busy laptop with six functions starting at once is given more. */
const INIT_LIMIT_MS = 60_000;

type Ending = { kind: 'exited'; error: HandlerError } | { kind: 'crashed'; request: number };

export function createEnvironment(
  { clock, onOutput }: { clock: Clock } & EnvironmentEvents,
  { timeoutMs, memoryMb, variables, ...bootstrap }: EnvironmentOptions,
): Environment {
  const worker = new Worker(new URL('./bootstrap.ts', import.meta.url), {
    env: variables,
    // Of the host's flags the launcher's alone: on Node 24.0 to 24.2 each thread warns that it runs TypeScript. Others, as a
    // test runner's loaders, are not for functions.
    execArgv: process.execArgv.filter((flag) => flag.startsWith('--disable-warning=')),
    workerData: { ...bootstrap, compileCache: process.env['NODE_COMPILE_CACHE'] } satisfies BootstrapData,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  let alive = true;
  let reported = false;
  let uncaught: HandlerError | undefined;
  let dying: number | undefined;
  let settle: ((message: WorkerMessage) => void) | undefined;

  const ready = Promise.withResolvers<{ initMs: number } | HandlerError>();
  const ended = Promise.withResolvers<Ending>();

  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'written') onOutput(message.text);
    else if (message.kind === 'ready') ready.resolve({ initMs: message.initMs });
    else if (message.kind === 'init-failed') ready.resolve(message.error);
    else if (message.kind === 'dying') dying = message.request;
    else settle?.(message);
  });
  worker.on('error', (error: unknown) => {
    uncaught = describeError(error instanceof Error ? error : new Error(String(error)));
  });
  worker.on('exit', (code) => {
    alive = false;
    const error = uncaught ?? failed('Runtime.ExitError', `Runtime exited with exit status ${code}`);
    ended.resolve(dying === undefined ? { kind: 'exited', error } : { kind: 'crashed', request: dying });
  });

  async function terminate(): Promise<void> {
    alive = false;
    await worker.terminate();
  }

  /** Resolves to undefined when the time is up. */
  async function within<T>(limitMs: number, outcome: Promise<T>): Promise<T | undefined> {
    const timer = new AbortController();
    const timeUp = clock.sleep(limitMs, timer.signal).then(
      () => undefined,
      () => undefined,
    );
    try {
      return await Promise.race([outcome, timeUp]);
    } finally {
      timer.abort();
    }
  }

  async function invoke(request: EnvironmentRequest): Promise<EnvironmentResult> {
    const initialised = await within(INIT_LIMIT_MS, Promise.race([ready.promise, ended.promise]));
    const init: { initMs?: number } = {};
    if (initialised === undefined || !('initMs' in initialised)) {
      await terminate();
      if (initialised !== undefined && 'kind' in initialised) return { durationMs: 0, ...initialised };
      const tooLate = `Init did not end within ${INIT_LIMIT_MS / 1000} s`;
      return { kind: 'exited', durationMs: 0, error: initialised ?? failed('Sandbox.Timedout', tooLate) };
    }
    if (!reported) init.initMs = initialised.initMs;
    reported = true;

    const started = clock.now();
    const answered = new Promise<WorkerMessage>((resolve) => {
      settle = resolve;
    });
    const deadlineMs = started + timeoutMs;
    worker.postMessage({ kind: 'invoke', ...request, deadlineMs } satisfies InvokeMessage);
    const outcome = await within(timeoutMs, Promise.race([answered, ended.promise]));
    settle = undefined;
    const took = { ...init, durationMs: clock.now() - started };
    if (outcome === undefined) {
      await terminate();
      return { kind: 'timed-out', ...took };
    }
    switch (outcome.kind) {
      case 'answered':
      case 'threw': {
        const { requestId: _, ...result } = outcome;
        return { ...result, ...took };
      }
      case 'crashed':
      case 'exited':
        return { ...outcome, ...took };
      default:
        throw new Error(`a worker does not end an invocation with ${outcome.kind}`);
    }
  }

  return { invoke, terminate, isAlive: () => alive };
}

function failed(errorType: string, errorMessage: string): HandlerError {
  return { errorType, errorMessage, trace: [] };
}
