// Lambda's detection of recursive loops: a chain of invocations carries its lineage in the trace header, through SQS too.
//
// The header reads `Root=1-…;Parent=…;Sampled=0;Lineage=<function>:<times>|<function>:<times>`. The SDK sends it with every
// request made inside a function, SQS keeps it as the message's AWSTraceHeader, and Lambda stops a chain in which one
// function has run about 16 times (Lambda developer guide, "Recursive loop detection").
import { createHash } from 'node:crypto';
import type { Random } from '../../shared/time/random.ts';

/** Times that a function may appear in one chain. */
export const RECURSION_LIMIT = 16;

export type Lineage = Map<string /* function hash */, number>;

export function parseLineage(traceHeader: string | undefined): Lineage {
  const text = /(?:^|;)\s*Lineage=([^;]*)/.exec(traceHeader ?? '')?.[1] ?? '';
  const lineage: Lineage = new Map();
  for (const part of text.split('|')) {
    const [hash, times] = part.split(':');
    if (hash !== undefined && hash !== '' && /^\d{1,9}$/.test(times ?? '')) lineage.set(hash, Number(times));
  }
  return lineage;
}

/** How often the function would have run in this chain if it were invoked now. */
export function timesInChain(traceHeader: string | undefined, functionArn: string): number {
  return (parseLineage(traceHeader).get(functionHash(functionArn)) ?? 0) + 1;
}

/**
 * The header for an invocation that several messages set off: of each function the highest count among them, since one
 * environment has one lineage.
 */
export function nextTraceHeader(
  random: Random,
  functionArn: string,
  inherited: (string | undefined)[] = [],
): string {
  const merged: Lineage = new Map();
  for (const header of inherited) {
    for (const [hash, times] of parseLineage(header))
      merged.set(hash, Math.max(times, merged.get(hash) ?? 0));
  }
  const own = functionHash(functionArn);
  merged.set(own, (merged.get(own) ?? 0) + 1);
  const lineage = [...merged].map(([hash, times]) => `${hash}:${times}`).join('|');
  return `Root=1-${hex(random, 8)}-${hex(random, 24)};Parent=${hex(random, 16)};Sampled=0;Lineage=${lineage}`;
}

function functionHash(arn: string): string {
  return createHash('sha256').update(arn).digest('hex').slice(0, 8);
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
}
