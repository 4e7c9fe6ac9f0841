// Usage of each function: the sum of what Lambda's REPORT lines would say.
import type { EnvironmentResult } from './environment.ts';

export interface FunctionUsage {
  invocations: number;
  /** Invocations that ended in no answer: thrown errors, timeouts, ended environments. */
  errors: number;
  timeouts: number;
  coldStarts: number;
  initMs: number;
  /** Handler time. */
  durationMs: number;
  /** Handler time and init, each invocation rounded up to a millisecond, as Lambda bills. */
  billedMs: number;
  /** Of the invocations that came to an answer or an error: CPU time, and time in which they waited. */
  cpuMs: number;
  waitMs: number;
  memoryMb: number;
  /** The most that ran at once. */
  peakConcurrency: number;
}

export function emptyUsage(memoryMb: number): FunctionUsage {
  return {
    invocations: 0,
    errors: 0,
    timeouts: 0,
    coldStarts: 0,
    initMs: 0,
    durationMs: 0,
    billedMs: 0,
    cpuMs: 0,
    waitMs: 0,
    memoryMb,
    peakConcurrency: 0,
  };
}

export function addToUsage(usage: FunctionUsage, result: EnvironmentResult): void {
  const initMs = result.initMs ?? 0;
  usage.invocations += 1;
  if (result.kind !== 'answered') usage.errors += 1;
  if (result.kind === 'timed-out') usage.timeouts += 1;
  if (result.initMs !== undefined) usage.coldStarts += 1;
  usage.initMs += initMs;
  usage.durationMs += result.durationMs;
  if ('cpuMs' in result) {
    usage.cpuMs += result.cpuMs;
    usage.waitMs += result.waitMs;
  }
  usage.billedMs += Math.ceil(result.durationMs + initMs);
}
