// The S3 of commands that ask it themselves: any endpoint, with the environment that AWS's tools share: profile, credentials,
// region, endpoint, proxies and certificates.
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { ConnectionOptions } from '../../shared/aws/clients.ts';
import { followRedirects } from '../../shared/aws/redirects.ts';
import { assertEndpoint } from '../address.ts';
import { describeError, Failure } from '../failure.ts';
import { connect } from './connection.ts';

/** Endpoints other than AWS's mostly have no regions, but requests are signed for one. */
const REGION_ELSEWHERE = 'us-east-1';

/**
 * @param endpointUrl absent: as the environment or the profile names it, else AWS's own
 * @throws Failure where no region is known for AWS, or a setting can't be used
 */
export async function openS3(
  endpointUrl: string | undefined,
  create: (config: S3ClientConfig, connection: ConnectionOptions) => S3Client,
): Promise<S3Client> {
  const connection = connect();
  // The SDK reads environment and profile; it makes no request for that.
  const reader = create({}, connection);
  try {
    const endpoint = endpointUrl ?? (await configuredEndpoint(reader));
    const region = await reader.config.region().catch((cause: unknown) => {
      if (endpoint !== undefined) return REGION_ELSEWHERE;
      throw new Failure("no region: set AWS_REGION, or one in the profile's configuration", { cause });
    });
    const place = endpoint === undefined ? {} : { endpoint, forcePathStyle: !isAws(endpoint) };
    return followRedirects(create({ ...place, region }, connection));
  } finally {
    reader.destroy();
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

/** From AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile's endpoint_url; undefined for AWS's own. */
async function configuredEndpoint(reader: S3Client): Promise<string | undefined> {
  let endpoint: string | undefined;
  try {
    endpoint = await reader.config.serviceConfiguredEndpoint?.();
  } catch (cause) {
    throw new Failure(`the configuration of AWS's tools can't be used: ${describeError(cause)}`, { cause });
  }
  if (endpoint !== undefined) assertEndpoint(endpoint, process.env);
  return endpoint;
}

/** Virtual-hosted names need a DNS entry for each bucket, which few but AWS have. */
function isAws(endpoint: string): boolean {
  return /(^|\.)amazonaws\.(com(\.cn)?|eu)$/.test(new URL(endpoint).hostname);
}
