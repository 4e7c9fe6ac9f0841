// The S3 client of `put`: credentials and region by the SDK's own chain, and a first question that tells a wrong endpoint,
// bucket or key at once, instead of once for each file.
import { HeadBucketCommand, type S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { createUplinkClient } from '../../shared/aws/clients.ts';
import { systemClock } from '../../shared/job/clock.ts';
import { classifyFault } from '../../shared/transfer/classify.ts';
import { describeError, Failure } from '../failure.ts';

/** Endpoints other than AWS's mostly have no regions, but requests are signed for one. */
const REGION_ELSEWHERE = 'us-east-1';
const FIRST_TRIES = 4;
const FIRST_REST_MS = 500;

export interface ClientOptions {
  endpointUrl?: string;
  concurrency: number;
}

export async function createPutClient({ endpointUrl, concurrency }: ClientOptions): Promise<S3Client> {
  const endpoint = endpointUrl ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'];
  const config: S3ClientConfig = endpoint === undefined ? {} : { endpoint, forcePathStyle: !isAws(endpoint) };
  const client = createUplinkClient(config, concurrency);
  try {
    await client.config.region();
    return client;
  } catch (cause) {
    client.destroy();
    if (endpoint === undefined) {
      throw new Failure("no region: set AWS_REGION, or one in the profile's configuration", { cause });
    }
    return createUplinkClient({ ...config, region: REGION_ELSEWHERE }, concurrency);
  }
}

/** Virtual-hosted names need a DNS entry for each bucket, which few but AWS have. */
function isAws(endpoint: string): boolean {
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

/** @throws Failure where nothing can be stored: no credentials, no answer, no such bucket */
export async function assertBucket(s3: S3Client, bucket: string): Promise<void> {
  await s3.config.credentials().catch((cause: unknown) => {
    throw new Failure('no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE', {
      cause,
    });
  });
  for (let tries = 1; ; tries++) {
    try {
      await s3.send(new HeadBucketCommand({ Bucket: bucket }));
      return;
    } catch (error) {
      const fault = classifyFault(error);
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      // Whoever may write may lack the right to look; and a throttled answer is an answer.
      if (status === 403 || fault.kind === 'throttle') return;
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
