// The S3 of commands that ask it themselves: any endpoint, with credentials and region by the SDK's own chain.
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { Failure } from './failure.ts';

/** Endpoints other than AWS's mostly have no regions, but requests are signed for one. */
const REGION_ELSEWHERE = 'us-east-1';

/** The endpoint that was asked for, or that the environment names; undefined for AWS's own. */
export function endpointOf(endpointUrl: string | undefined): string | undefined {
  return endpointUrl ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'];
}

/** @throws Failure where no region is known for AWS */
export async function openS3(
  endpointUrl: string | undefined,
  create: (config: S3ClientConfig) => S3Client,
): Promise<S3Client> {
  const endpoint = endpointOf(endpointUrl);
  const config: S3ClientConfig = endpoint === undefined ? {} : { endpoint, forcePathStyle: !isAws(endpoint) };
  const client = create(config);
  try {
    await client.config.region();
    return client;
  } catch (cause) {
    client.destroy();
    if (endpoint === undefined) {
      throw new Failure("no region: set AWS_REGION, or one in the profile's configuration", { cause });
    }
    return create({ ...config, region: REGION_ELSEWHERE });
  }
}

/** @throws Failure where there are none */
export async function assertCredentials(s3: S3Client): Promise<void> {
  await s3.config.credentials().catch((cause: unknown) => {
    throw new Failure('no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE', {
      cause,
    });
  });
}

/** Virtual-hosted names need a DNS entry for each bucket, which few but AWS have. */
function isAws(endpoint: string): boolean {
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}
