// Writes an object unless its key holds one. S3 answers 409 while another conditional write of the key is under way; the SDK does
// not try that again.
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../time/clock.ts';
import { classifyFault } from './classify.ts';
import { sendProven } from './proof.ts';

const CONFLICT_TRIES = 5;
const CONFLICT_REST_MS = 50;

/** @returns `exists` also where an earlier try, whose answer was lost, has written this same object */
export async function putIfAbsent(
  s3: S3Client,
  put: PutObjectCommandInput,
  clock: Pick<Clock, 'sleep'> = systemClock,
): Promise<'created' | 'exists'> {
  for (let tries = 1; ; tries++) {
    try {
      await sendProven(s3, new PutObjectCommand({ ...put, IfNoneMatch: '*' }));
      return 'created';
    } catch (error) {
      const { kind } = classifyFault(error);
      if (kind === 'exists') return 'exists';
      if (kind !== 'conflict' || tries === CONFLICT_TRIES) throw error;
      await clock.sleep(CONFLICT_REST_MS * tries);
    }
  }
}
