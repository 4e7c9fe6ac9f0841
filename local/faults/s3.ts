// S3's faults: which one strikes a request, and what it does before fauxqs carries the request out and after.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Random } from '../../shared/time/random.ts';
import { answerError, faultOf, KMS_SLOW_DOWN, SLOW_DOWN } from '../aws/s3/s3-answers.ts';
import type { S3Fault } from './fault.ts';
import { createFaultPoints, type FaultPoints } from './fault-points.ts';

export interface S3FaultRequest {
  bucket: string;
  key: string;
  operation: string;
  isWrite: boolean;
}

export interface S3Faults extends Pick<FaultPoints<S3Fault>, 'arm' | 'counts'> {
  strike(request: S3FaultRequest, nowMs: number): S3Fault | undefined;
}

/** Keys whose requests a same-object fault remembers: the oldest is forgotten. */
const KEYS_REMEMBERED = 10_000;
const SECOND_MS = 1000;
/** The pipeline's clients wait 15 s (shared/aws/clients.ts). */
const HELD_MS = 16_000;

export function createS3Faults(random: Random): S3Faults {
  const points = createFaultPoints<S3Fault>(random);
  /** By bucket and key: when its latest requests came that were not refused, oldest first. */
  const keyTimes = new Map<string, number[]>();

  /** Whether the key had as many requests as it may have in the second up to now; if not, this one counts. */
  function isHot({ bucket, key }: S3FaultRequest, perSecond: number, nowMs: number): boolean {
    const name = `${bucket}/${key}`;
    const recent = (keyTimes.get(name) ?? []).filter((atMs) => nowMs - atMs < SECOND_MS);
    if (recent.length >= perSecond) return true;
    keyTimes.delete(name);
    keyTimes.set(name, [...recent, nowMs]);
    const oldest = keyTimes.keys().next().value;
    if (keyTimes.size > KEYS_REMEMBERED && oldest !== undefined) keyTimes.delete(oldest);
    return false;
  }

  return {
    arm(faults) {
      keyTimes.clear();
      points.arm(faults);
    },
    strike: (request, nowMs) =>
      points.strike((fault) => {
        if (fault.bucket !== undefined && fault.bucket !== request.bucket) return false;
        if (fault.keyIncludes !== undefined && !request.key.includes(fault.keyIncludes)) return false;
        const named = fault.operations?.includes(request.operation) ?? request.isWrite;
        return named && (fault.kind !== 's3-same-object' || isHot(request, fault.perSecond, nowMs));
      }),
    counts: points.counts,
  };
}

/** True if the fault ends the request before it is carried out. */
export function strikeBefore(fault: S3Fault, request: IncomingMessage, response: ServerResponse): boolean {
  switch (fault.kind) {
    case 's3-error':
      answerError(request, response, faultOf(fault.status, fault.code));
      return true;
    case 's3-bodiless':
      answerError(request, response, faultOf(fault.status, 'ServiceUnavailable'), { bodiless: true });
      return true;
    case 's3-kms-throttled':
      answerError(request, response, KMS_SLOW_DOWN);
      return true;
    case 's3-same-object':
      answerError(request, response, SLOW_DOWN);
      return true;
    case 's3-error-in-200':
      answerError(request, response, faultOf(200, fault.code));
      return true;
    case 's3-drop':
      if (fault.when === 'before') request.socket.destroy();
      return fault.when === 'before';
    case 's3-timeout':
      if (fault.when === 'before') {
        request.resume();
        fallSilent(request, fault.heldMs);
      }
      return fault.when === 'before';
    case 's3-delay':
      return false;
  }
}

/**
 * What becomes of the answer to a request that was carried out.
 * @param head writes status and headers, as they stand
 * @param send goes on with the answer
 */
export function strikeAfter(
  fault: S3Fault,
  { request, response, payload }: { request: IncomingMessage; response: ServerResponse; payload: unknown },
  head: () => void,
  send: () => void,
): void {
  switch (fault.kind) {
    case 's3-drop': {
      const half = fault.when === 'midway' ? firstHalf(payload) : undefined;
      if (half === undefined) {
        request.socket.destroy();
        return;
      }
      head();
      response.write(half, () => request.socket.destroy());
      return;
    }
    case 's3-timeout':
      fallSilent(request, fault.heldMs);
      return;
    case 's3-delay':
      setTimeout(send, fault.delayMs);
      return;
    default:
      send();
  }
}

function firstHalf(payload: unknown): Uint8Array | undefined {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return bytes instanceof Uint8Array && bytes.length > 1
    ? bytes.subarray(0, Math.floor(bytes.length / 2))
    : undefined;
}

/** The connection stays open without an answer, until one of the two sides breaks it. */
function fallSilent({ socket }: IncomingMessage, heldMs = HELD_MS): void {
  const timer = setTimeout(() => socket.destroy(), heldMs);
  socket.once('close', () => clearTimeout(timer));
}
