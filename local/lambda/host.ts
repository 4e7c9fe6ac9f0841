// Lambda itself: keeps the execution environments of every function, warm ones first, and accounts for what they did.
import { randomUUID } from 'node:crypto';
import type { WebOverride } from '../../shared/sources/https/client.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { ClockSkew, LambdaFaults } from '../faults/lambda.ts';
import type { FunctionModel } from '../service/model.ts';
import { type CrashOrders, createCrashOrders } from './crash-orders.ts';
import {
  type CreateEnvironment,
  createEnvironment as createThreadEnvironment,
  type Environment,
  type EnvironmentResult,
} from './environment.ts';
import type { FunctionLogs } from './logs.ts';
import type { HandlerError } from './protocol.ts';
import { addToUsage, emptyUsage, type FunctionUsage } from './usage.ts';
import type { WriteStub } from './write-stub.ts';

export type InvokeResult = { kind: 'answered'; payload: string } | { kind: 'failed'; error: HandlerError };

export interface LambdaHost {
  /** `payload` is JSON. Waits where every environment is busy. Never rejects: a failure is a result. */
  invoke(functionName: string, payload: string, traceId: string): Promise<InvokeResult>;
  /** Invocations that could begin now. */
  freeCapacity(functionName: string): number;
  /** Calls the listener whenever an environment has become free. Returns how to end that. */
  onCapacity(functionName: string, listener: () => void): () => void;
  /** Deploys the functions as their models now are: what runs ends as it began, what begins is new. */
  redeploy(): Promise<void>;
  usage(): Record<string, FunctionUsage>;
  crashes: CrashOrders;
  /** Ends every environment, also in mid-invocation; what ran then fails. */
  stop(): Promise<void>;
}

export interface LambdaHostOptions {
  /** Environments of one function at once, on this machine. */
  environments: number;
  /** The environment variables of a function, complete. */
  variables: (model: FunctionModel) => Record<string, string>;
  /** Web hosts that are reached on this machine. */
  web?: WebOverride | undefined;
  /** Destination writes that are answered in the function. */
  writes?: WriteStub | undefined;
  /** How an environment is made. Default: a worker thread that runs the function's source. */
  createEnvironment?: CreateEnvironment | undefined;
  /** After this an idle environment is ended. */
  idleMs?: number;
}

/** Lambda keeps an idle environment for minutes; here each holds some 60 MB of a laptop. */
const IDLE_MS = 60_000;
const REAP_EVERY_MS = 10_000;
/** Lambda's quota for a synchronous request. */
export const REQUEST_LIMIT_BYTES = 6 * 1024 * 1024;
/** Calls that may wait for an environment, of one function. */
const WAITING_LIMIT = 1_000;

interface Pool {
  model: FunctionModel;
  busy: Set<Environment>;
  /** The last used at the end. */
  idle: { environment: Environment; sinceMs: number }[];
  /** Begun, environment not yet chosen. */
  claimed: number;
  waiting: (() => void)[];
  listeners: Set<() => void>;
  usage: FunctionUsage;
}

export function createLambdaHost(
  { clock, logs, faults }: { clock: Clock; logs: FunctionLogs; faults: LambdaFaults },
  functions: Record<string, FunctionModel>,
  {
    environments,
    variables,
    web,
    writes,
    createEnvironment = createThreadEnvironment,
    idleMs = IDLE_MS,
  }: LambdaHostOptions,
): LambdaHost {
  const pools = new Map<string, Pool>();
  for (const [name, model] of Object.entries(functions)) {
    const usage = emptyUsage(model.memoryMb);
    pools.set(name, {
      model,
      busy: new Set(),
      idle: [],
      claimed: 0,
      waiting: [],
      listeners: new Set(),
      usage,
    });
  }
  const crashes = createCrashOrders(faults);
  const skews = new WeakMap<Environment, ClockSkew>();
  /** Busy ones of an earlier deployment: they take no further invocation. */
  const outdated = new WeakSet<Environment>();
  const stopping = new AbortController();
  const reaping = reap();

  async function reap(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(Math.min(REAP_EVERY_MS, idleMs), stopping.signal).catch(() => undefined);
      for (const pool of pools.values()) {
        // The longest idle come first.
        for (let [first] = pool.idle; first !== undefined; [first] = pool.idle) {
          if (clock.now() - first.sinceMs < idleMs) break;
          pool.idle.shift();
          await first.environment.terminate();
        }
      }
    }
  }

  function poolOf(functionName: string): Pool {
    const pool = pools.get(functionName);
    if (pool === undefined) {
      throw new Error(
        `there is no function ${functionName}: the service has ${[...pools.keys()].join(', ')}`,
      );
    }
    return pool;
  }

  function takeEnvironment(pool: Pool): Environment {
    for (let last = pool.idle.pop(); last !== undefined; last = pool.idle.pop()) {
      if (last.environment.isAlive()) return last.environment;
    }
    const { model } = pool;
    const skew = faults.skewOf(model.name);
    const environment = createEnvironment(
      { clock, onOutput: logs.writer(model.name) },
      {
        handlerFile: model.handlerFile,
        handlerExport: model.handlerExport,
        timeoutMs: model.timeoutSeconds * 1000,
        memoryMb: model.memoryMb,
        variables: variables(model),
        clockSkewMs: skew?.byMs ?? 0,
        web,
        writes,
      },
    );
    if (skew !== undefined) skews.set(environment, skew);
    return environment;
  }

  async function invoke(functionName: string, payload: string, traceId: string): Promise<InvokeResult> {
    const pool = poolOf(functionName);
    if (Buffer.byteLength(payload) > REQUEST_LIMIT_BYTES) {
      return failure(
        'RequestEntityTooLargeException',
        `Request must be smaller than ${REQUEST_LIMIT_BYTES} bytes`,
      );
    }
    if (pool.claimed >= environments) {
      if (pool.waiting.length >= WAITING_LIMIT) return failure('TooManyRequestsException', 'Rate Exceeded.');
      // A freed environment passes its claim on.
      await new Promise<void>((resolve) => pool.waiting.push(resolve));
    } else pool.claimed += 1;
    try {
      if (stopping.signal.aborted) return failure('ServiceException', 'the embedded cloud is stopping');
      return await run(pool, payload, traceId);
    } finally {
      const next = pool.waiting.shift();
      if (next !== undefined) next();
      else {
        pool.claimed -= 1;
        for (const listener of pool.listeners) listener();
      }
    }
  }

  async function run(pool: Pool, payload: string, traceId: string): Promise<InvokeResult> {
    const environment = takeEnvironment(pool);
    pool.busy.add(environment);
    pool.usage.peakConcurrency = Math.max(pool.usage.peakConcurrency, pool.busy.size);
    skews.get(environment)?.count();
    const requestId = randomUUID();
    const crash = crashes.take(pool.model.name);
    const result = await environment.invoke({
      requestId,
      payload,
      traceId,
      invokedFunctionArn: pool.model.arn,
      ...(crash === undefined ? {} : { dieAt: crash.point }),
    });
    pool.busy.delete(environment);
    if (outdated.has(environment)) await environment.terminate();
    else if (environment.isAlive() && !stopping.signal.aborted) {
      pool.idle.push({ environment, sinceMs: clock.now() });
    }
    addToUsage(pool.usage, result);
    if ('requests' in result) faults.lived(pool.model.name, result.requests);
    crash?.report(
      result.kind === 'crashed'
        ? { kind: 'died' }
        : { kind: 'survived', requests: 'requests' in result ? result.requests : 0 },
    );
    const outcome = toInvokeResult(result, requestId, pool.model);
    if (outcome.kind === 'failed' && !stopping.signal.aborted) {
      const { errorType, errorMessage, trace } = outcome.error;
      const level = result.kind === 'crashed' ? 'WARN' : 'ERROR';
      const line = { level, message: 'Invocation failed', requestId, errorType, errorMessage, trace };
      logs.writer(pool.model.name)(`${JSON.stringify(line)}\n`);
    }
    return outcome;
  }

  return {
    invoke,
    freeCapacity: (functionName) => environments - poolOf(functionName).claimed,
    onCapacity(functionName, listener) {
      const { listeners } = poolOf(functionName);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async redeploy() {
      for (const pool of pools.values()) {
        for (const environment of pool.busy) outdated.add(environment);
        const idle = pool.idle.splice(0);
        await Promise.all(idle.map(({ environment }) => environment.terminate()));
      }
    },
    usage: () => Object.fromEntries([...pools].map(([name, { usage }]) => [name, { ...usage }])),
    crashes,
    async stop() {
      stopping.abort();
      const all = [...pools.values()].flatMap(({ idle, busy }) => [
        ...idle.map(({ environment }) => environment),
        ...busy,
      ]);
      await Promise.all(all.map((environment) => environment.terminate()));
      await reaping;
    },
  };
}

function toInvokeResult(result: EnvironmentResult, requestId: string, model: FunctionModel): InvokeResult {
  switch (result.kind) {
    case 'answered':
      return { kind: 'answered', payload: result.payload };
    case 'threw':
    case 'exited':
      return { kind: 'failed', error: result.error };
    case 'timed-out':
      return failure(
        'Sandbox.Timedout',
        `RequestId: ${requestId} Error: Task timed out after ${model.timeoutSeconds.toFixed(2)} seconds`,
      );
    case 'crashed':
      return failure(
        'Runtime.ExitError',
        `RequestId: ${requestId} died as ordered at request ${result.request}`,
      );
  }
}

function failure(errorType: string, errorMessage: string): InvokeResult {
  return { kind: 'failed', error: { errorType, errorMessage, trace: [] } };
}
