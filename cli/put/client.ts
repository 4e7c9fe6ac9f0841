// The S3 client of `put`, and a first question that tells a wrong endpoint, wrong credentials or a wrong bucket at once, instead
// of once for each file.
import { Agent } from 'node:http';
import { HeadBucketCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { type Answer, describeAnswer, hasS3Header, isPageOrJson } from '../../shared/aws/answer.ts';
import { createUplinkClient } from '../../shared/aws/clients.ts';
import { listen } from '../../shared/aws/proof.ts';
import { steadyClock } from '../../shared/job/clock.ts';
import { classifyFault, type Fault } from '../../shared/transfer/classify.ts';
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

/** Keeps at most so many connections from now on, and closes idle ones unless that is more: they hold descriptors. */
export function limitSockets(s3: S3Client, most: number): void {
  const handler = s3.config.requestHandler as { httpHandlerConfigs?(): object };
  const { httpAgent, httpsAgent } = (handler.httpHandlerConfigs?.() ?? {}) as Record<string, unknown>;
  for (const agent of [httpAgent, httpsAgent]) {
    // https.Agent is one as well.
    if (!(agent instanceof Agent)) continue;
    const isMore = most > agent.maxSockets;
    agent.maxSockets = most;
    if (isMore) continue;
    for (const idle of Object.values(agent.freeSockets).flat()) idle?.destroy();
  }
}

/** Of a listing, whatever its namespace. */
const LISTING = /^\s*(<\?xml[^>]*\?>)?\s*<(\w+:)?ListBucketResult[\s/>]/;

/**
 * A HEAD's answer has no body that says why, or whose it is: that of a listing of nothing has one.
 * @param head what the bucket's HEAD was answered
 * @throws Failure where the credentials are refused, or the endpoint is no S3
 */
async function assertKnown(s3: S3Client, bucket: string, head: Answer | undefined): Promise<void> {
  const command = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 0 });
  const heard = listen(command);
  let fault: Fault | undefined;
  let cause: unknown;
  try {
    await s3.send(command);
  } catch (error) {
    fault = classifyFault(error);
    cause = error;
  }
  const { answer } = heard;
  // Who may write may lack the right to look: an error of S3's is an answer of S3's. Bare servers that say nothing of what
  // they answer are judged by the proof of their writes.
  const isForeign =
    answer !== undefined &&
    heard.isEnded &&
    (answer.status < 300
      ? !LISTING.test(answer.text) && answer.headers['content-type'] !== undefined
      : isForeignPage(answer) &&
        !/<Error[\s>]/.test(answer.text) &&
        head !== undefined &&
        isForeignPage(head));
  if (isForeign) {
    throw new Failure(
      `no S3 endpoint: ${describeAnswer(answer)} to a listing of bucket ${bucket}. Check --endpoint-url, and what is on the way`,
      { cause },
    );
  }
  if (fault !== undefined && BAD_CREDENTIALS.has(fault.code))
    throw new Failure(`the credentials are refused: ${fault.message} (${fault.code})`, { cause });
}

/** A web page or another API's answer, as far as headers tell: some servers that speak S3 answer a HEAD as text/html too. */
function isForeignPage(answer: Answer): boolean {
  return isPageOrJson(answer) && !hasS3Header(answer);
}

/** @throws Failure where nothing can be stored: no credentials, no answer, no such bucket, no S3 */
export async function assertBucket(s3: S3Client, bucket: string): Promise<void> {
  await assertCredentials(s3);
  for (let tries = 1; ; tries++) {
    const command = new HeadBucketCommand({ Bucket: bucket });
    const heard = listen(command);
    try {
      await s3.send(command);
      // Any server answers a HEAD with 200; S3 and most that speak its protocol name themselves in a header.
      if (heard.answer === undefined || !hasS3Header(heard.answer))
        await assertKnown(s3, bucket, heard.answer);
      return;
    } catch (error) {
      if (error instanceof Failure) throw error;
      const fault = classifyFault(error);
      const { answer } = heard;
      const status = answer?.status;
      // Who may write may lack the right to look; and a throttled answer is an answer.
      if (fault.kind === 'throttle') return;
      // AWS answers 400 to a token that it can't read.
      const mayBeUnknown = status === 403 || status === 400;
      if (mayBeUnknown || (answer !== undefined && isForeignPage(answer)))
        await assertKnown(s3, bucket, answer);
      if (mayBeUnknown) return;
      if (status === 404) throw new Failure(`there is no bucket ${bucket} there`, { cause: error });
      if (status === 301)
        throw new Failure(`bucket ${bucket} is in another region: set AWS_REGION`, { cause: error });
      if (fault.kind !== 'transient' || tries === FIRST_TRIES) {
        const told = (error as NodeJS.ErrnoException).code ?? describeError(error);
        throw new Failure(`bucket ${bucket} can't be reached: ${told}`, { cause: error });
      }
      await steadyClock.sleep(FIRST_REST_MS);
    }
  }
}
