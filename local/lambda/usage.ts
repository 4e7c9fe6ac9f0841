// Usage of each function: the sum of what Lambda's REPORT lines would say.
import type { EnvironmentResult } from './environment.ts';

export type FunctionUsage = ReturnType<typeof emptyUsage>;

export function emptyUsage(memoryMb: number) {
  return {
    invocations: 0,
    /** Invocations that ended in no answer: thrown errors, timeouts, ended environments. */
    errors: 0,
    timeouts: 0,
    coldStarts: 0,
    initMs: 0,
    /** Handler time. */
    durationMs: 0,
    /** Handler time and init, each invocation rounded up to a millisecond, as Lambda bills. */
    billedMs: 0,
    /** Of the invocations that came to an answer or an error: CPU time, and time in which they waited. */
    cpuMs: 0,
    waitMs: 0,
    memoryMb,
    /** The most that ran at once. */
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
