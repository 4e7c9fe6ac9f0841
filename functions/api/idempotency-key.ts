// The Idempotency-Key of a request. It makes repeats of one caller one job.
import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { hashedJobId, type JobId } from '../../shared/job/identity.ts';
import { callerOf } from './caller.ts';
import { faultAt, type HttpError } from './problem.ts';

/** Its place in a request. */
export const IDEMPOTENCY_KEY = 'headers.idempotency-key';
/** Characters of an Idempotency-Key. */
const MAX_KEY_LENGTH = 255;

/** The id of the job that a request starts. Without a key each request starts another. */
export function jobIdOfRequest(event: APIGatewayProxyEventV2): { job: JobId; token: string } {
  const token = idempotencyKeyOf(event) ?? randomUUID();
  // The caller is part of the id: the same key of another caller is another job, and reveals nothing about this one.
  return { job: hashedJobId('api', ...callerOf(event), token), token };
}

/** @returns undefined where there is none */
function idempotencyKeyOf({ headers }: APIGatewayProxyEventV2): string | undefined {
  const key = headers['idempotency-key'];
  if (key === '') throw wrongKey('the Idempotency-Key is empty: leave it out, or send a UUID');
  if (key !== undefined && (key.length > MAX_KEY_LENGTH || /\p{Cc}/u.test(key))) {
    throw wrongKey(
      `the Idempotency-Key takes up to ${MAX_KEY_LENGTH} characters, and no control characters: a UUID does`,
    );
  }
  return key;
}

function wrongKey(message: string): HttpError {
  return faultAt(400, IDEMPOTENCY_KEY, message);
}
