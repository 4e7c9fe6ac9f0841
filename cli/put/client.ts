// The S3 client of `put`, and a first question that tells a wrong endpoint, wrong credentials or a wrong bucket at once, instead
// of once for each file.
import { HeadBucketCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { createUplinkClient } from '../../shared/aws/clients.ts';
import { systemClock } from '../../shared/job/clock.ts';
import { classifyFault } from '../../shared/transfer/classify.ts';
import { describeError, Failure } from '../failure.ts';
import { assertCredentials, openS3 } from '../s3.ts';

const FIRST_TRIES = 4;
const FIRST_REST_MS = 500;
/** What S3 says of credentials that it knows nothing of, or no longer. */
const BAD_CREDENTIALS = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
]);

export interface ClientOptions {
  endpointUrl?: string;
  concurrency: number;
}

export function createPutClient({ endpointUrl, concurrency }: ClientOptions): Promise<S3Client> {
  return openS3(endpointUrl, (config) => createUplinkClient(config, concurrency));
}

/** A HEAD's refusal has no body that says why: what S3 refuses of a listing of nothing has one. */
async function assertKnown(s3: S3Client, bucket: string): Promise<void> {
  try {
    await s3.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 0 }));
  } catch (error) {
    const { code, message } = classifyFault(error);
    if (BAD_CREDENTIALS.has(code))
      throw new Failure(`the credentials are refused: ${message} (${code})`, { cause: error });
    // Whoever may write may lack the right to look.
  }
}

/** @throws Failure where nothing can be stored: no credentials, no answer, no such bucket */
export async function assertBucket(s3: S3Client, bucket: string): Promise<void> {
  await assertCredentials(s3);
  for (let tries = 1; ; tries++) {
    try {
      await s3.send(new HeadBucketCommand({ Bucket: bucket }));
      return;
    } catch (error) {
      const fault = classifyFault(error);
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      // Whoever may write may lack the right to look; and a throttled answer is an answer.
      if (fault.kind === 'throttle') return;
      // AWS answers 400 to a token that it can't read.
      if (status === 403 || status === 400) return await assertKnown(s3, bucket);
      if (status === 404) throw new Failure(`there is no bucket ${bucket} there`, { cause: error });
      if (status === 301)
        throw new Failure(`bucket ${bucket} is in another region: set AWS_REGION`, { cause: error });
      if (fault.kind !== 'transient' || tries === FIRST_TRIES) {
        const told = (error as NodeJS.ErrnoException).code ?? describeError(error);
        throw new Failure(`bucket ${bucket} can't be reached: ${told}`, { cause: error });
      }
      await systemClock.sleep(FIRST_REST_MS);
    }
  }
}
