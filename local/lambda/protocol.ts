// The messages between an execution environment (a worker thread) and its host.
import type { WebOverride } from '../../shared/sources/https/client.ts';
import type { WriteStub } from './write-stub.ts';

/** Given to the worker at birth. */
export interface BootstrapData {
  handlerFile: string;
  handlerExport: string;
  /** Added to the time of the environment's clock. */
  clockSkewMs: number;
  /** The folder of the host's compiled code: no variable of the function, whose environment is AWS's. Absent: Node's own. */
  compileCache?: string | undefined;
  /** Web hosts that are reached on this machine. Absent: every host is the internet's. */
  web?: WebOverride | undefined;
  /** Destination writes that are answered in the function. Absent: every one is sent. */
  writes?: WriteStub | undefined;
}

export interface EnvironmentRequest {
  requestId: string;
  /** JSON, as the Runtime API hands it over. */
  payload: string;
  traceId: string;
  invokedFunctionArn: string;
  dieAt?: Death;
}

export interface InvokeMessage extends EnvironmentRequest {
  kind: 'invoke';
  /** Epoch milliseconds, by the host's clock, at which it will end the environment. */
  deadlineMs: number;
}

/**
 * Where an environment is to die, counted in the invocation's own HTTP requests: `before` the request leaves, or `after`
 * its answer has come and before the code has seen it.
 */
export interface CrashPoint {
  /** 1 is the first. */
  request: number;
  when: 'before' | 'after';
}

/** The same at the first request with this text in its path. It kills each worker that makes such a request. */
export interface CrashPath {
  pathIncludes: string;
  when: 'before' | 'after';
}

export type Death = CrashPoint | CrashPath;

export interface HandlerError {
  errorType: string;
  errorMessage: string;
  trace: string[];
}

export function describeError({ name, message, stack }: Error): HandlerError {
  return { errorType: name, errorMessage: message, trace: (stack ?? '').split('\n') };
}

/** What an invocation did until it ended. */
export interface Work {
  /** HTTP requests begun. */
  requests: number;
  /** CPU time of its thread. */
  cpuMs: number;
  /** Time in which the thread had nothing to do: it waited for answers or timers. */
  waitMs: number;
}

export type WorkerMessage =
  | { kind: 'ready'; initMs: number }
  | { kind: 'init-failed'; error: HandlerError }
  | { kind: 'written'; text: string }
  | { kind: 'dying'; requestId: string; request: number }
  | ({ kind: 'answered'; requestId: string; payload: string } & Work)
  | ({ kind: 'threw'; requestId: string; error: HandlerError } & Work);

/** Exit code of an environment that died at its crash point, as of a process that was killed. */
export const CRASH_EXIT_CODE = 137;
