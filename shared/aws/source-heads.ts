// HEADs of objects that are copied from. A copy finds its source in any region by itself; a HEAD is answered only where the
// bucket lies, and elsewhere with that region's name.
import { HeadObjectCommand, type HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { Answer } from './answer.ts';
import { boundAnswers } from './bound-answers.ts';
import { listen, type SendOptions, sendProven } from './proof.ts';

export interface ObjectPlace {
  bucket: string;
  key: string;
  versionId?: string;
}

export interface SourceHeads {
  /** @throws what the client throws, or NoProof */
  head(
    place: ObjectPlace,
    options?: SendOptions & { withChecksum?: boolean },
  ): Promise<HeadObjectCommandOutput>;
}

/** S3 names the right region at once; a second time covers a bucket that was made again elsewhere. */
const MOST_ASKED = 3;
/** Buckets whose regions are remembered: a job's sources lie in few. */
const MOST_BUCKETS = 1_000;

export function createSourceHeads(s3: S3Client): SourceHeads {
  const regionOf = new Map<string, string>();
  const clients = new Map<string, S3Client>();

  function clientOf(bucket: string): S3Client {
    const region = regionOf.get(bucket);
    if (region === undefined) return s3;
    let client = clients.get(region);
    if (client === undefined) {
      const { credentials, requestHandler, systemClockOffset, useFipsEndpoint, useDualstackEndpoint } =
        s3.config;
      client = boundAnswers(
        new S3Client({
          region,
          credentials,
          requestHandler,
          systemClockOffset,
          useFipsEndpoint,
          useDualstackEndpoint,
          maxAttempts: 1,
        }),
      );
      clients.set(region, client);
    }
    return client;
  }

  return {
    async head({ bucket, key, versionId }, { withChecksum = false, ...options } = {}) {
      const ask = async (): Promise<HeadObjectCommandOutput | { region: string; error: unknown }> => {
        // Endpoints that refuse the headers of checksums are left alone with them.
        const isAsked = withChecksum && (await s3.config.responseChecksumValidation()) !== 'WHEN_REQUIRED';
        const command = new HeadObjectCommand({
          Bucket: bucket,
          Key: key,
          ...(isAsked ? { ChecksumMode: 'ENABLED' as const } : {}),
          ...(versionId === undefined ? {} : { VersionId: versionId }),
        });
        const heard = listen(command);
        try {
          return await sendProven(clientOf(bucket), command, options, heard);
        } catch (error) {
          const region = heard.answer === undefined ? undefined : otherRegion(heard.answer);
          // The same name again would go round in a circle.
          if (region === undefined || region === regionOf.get(bucket)) throw error;
          return { region, error };
        }
      };
      for (let asked = 1; ; asked++) {
        const answer = await ask();
        if (!('region' in answer)) return answer;
        if (asked === MOST_ASKED) throw answer.error;
        if (regionOf.size >= MOST_BUCKETS) {
          regionOf.clear();
          clients.clear();
        }
        regionOf.set(bucket, answer.region);
      }
    },
  };
}

/** Regions are part of a host's name: what else an endpoint calls one is no region. */
const REGION = /^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/;

/** @returns the region that S3 names where it answers for a bucket of another one; other endpoints have no regions */
function otherRegion({ host, status, headers }: Answer): string | undefined {
  if (!/\.amazonaws\.com(\.cn)?$/.test(host) || ![301, 307, 400].includes(status)) return undefined;
  const region = headers['x-amz-bucket-region'];
  return region !== undefined && REGION.test(region) ? region : undefined;
}
