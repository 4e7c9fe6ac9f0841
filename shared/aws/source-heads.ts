// Reads the HEAD and the tags of a copy's source. S3 finds the source of a copy in any region. A HEAD succeeds only in the
// bucket's own region; other regions answer with the name of that region.
import {
  type $Command,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  S3Client,
  type S3ClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import type { Answer } from './answer.ts';
import { boundAnswers } from './bound-answers.ts';
import { expectOwners, ownersOf } from './bucket-owners.ts';
import { classifyFault } from './classify.ts';
import { type Heard, listen, type SendOptions, sendProven } from './proof.ts';

export interface ObjectPlace {
  bucket: string;
  key: string;
  versionId?: string;
}

export type SourceHeads = ReturnType<typeof createSourceHeads>;
type HeadOptions = SendOptions & { withChecksum?: boolean };

/** S3 names the right region at once; a second time covers a bucket that was made again elsewhere. */
const MOST_ASKED = 3;
/** Buckets whose regions are remembered: a job's sources lie in few. */
const MOST_BUCKETS = 1_000;

/** @param requesterPays whether the caller pays for requests to requester-pays buckets */
export function createSourceHeads(s3: S3Client, requesterPays = false) {
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
      const owners = ownersOf(s3);
      if (owners !== undefined) expectOwners(client, owners);
      clients.set(region, client);
    }
    return client;
  }

  /** Asks in the bucket's region, once that is known. */
  async function inRegion<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    bucket: string,
    command: () => $Command<Input, Output, S3ClientResolvedConfig>,
    send: (client: S3Client, made: ReturnType<typeof command>, heard: Heard) => Promise<Output>,
  ): Promise<Output> {
    for (let asked = 1; ; asked++) {
      const made = command();
      const heard = listen(made);
      try {
        return await send(clientOf(bucket), made, heard);
      } catch (error) {
        const region = heard.answer === undefined ? undefined : otherRegion(heard.answer);
        // The same name again would go round in a circle.
        if (region === undefined || region === regionOf.get(bucket) || asked === MOST_ASKED) throw error;
        if (regionOf.size >= MOST_BUCKETS) {
          regionOf.clear();
          clients.clear();
        }
        regionOf.set(bucket, region);
      }
    }
  }

  const fieldsOf = ({ bucket, key, versionId }: ObjectPlace) => ({
    Bucket: bucket,
    Key: key,
    ...(versionId === undefined ? {} : { VersionId: versionId }),
    ...(requesterPays ? { RequestPayer: 'requester' as const } : {}),
  });

  /** @throws what the client throws, or NoProof */
  async function head(
    place: ObjectPlace,
    { withChecksum = false, ...options }: HeadOptions = {},
  ): Promise<HeadObjectCommandOutput> {
    // Endpoints that refuse the headers of checksums are left alone with them.
    const isAsked = withChecksum && (await s3.config.responseChecksumValidation()) !== 'WHEN_REQUIRED';
    const more = isAsked ? { ChecksumMode: 'ENABLED' as const } : {};
    return inRegion(
      place.bucket,
      () => new HeadObjectCommand({ ...fieldsOf(place), ...more }),
      (client, command, heard) => sendProven(client, command, options, heard),
    );
  }

  return {
    head,

    /** Whether there is an object. @throws what the client throws where it may not look */
    async exists(place: ObjectPlace, options?: HeadOptions): Promise<boolean> {
      try {
        await head(place, options);
        return true;
      } catch (error) {
        if (classifyFault(error).code === 'NotFound') return false;
        throw error;
      }
    },

    /** @returns the object's tags by name. @throws what the client throws */
    async tags(place: ObjectPlace, options: SendOptions = {}): Promise<Map<string, string>> {
      const { TagSet = [] } = await inRegion(
        place.bucket,
        () => new GetObjectTaggingCommand(fieldsOf(place)),
        (client, command) => client.send(command, options),
      );
      return new Map(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
    },
  };
}

/** A region becomes part of a host's name, so nothing of another form is accepted. */
const REGION = /^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/;

/** @returns the region that S3 names for a bucket in another region. Endpoints outside AWS have no regions */
function otherRegion({ host, status, headers }: Answer): string | undefined {
  if (!/\.amazonaws\.com(\.cn)?$/.test(host) || ![301, 307, 400].includes(status)) return undefined;
  const region = headers['x-amz-bucket-region'];
  return region !== undefined && REGION.test(region) ? region : undefined;
}
