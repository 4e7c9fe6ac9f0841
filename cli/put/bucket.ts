// A first question to the bucket: a wrong endpoint, wrong credentials or a wrong bucket ends the command at once, instead of
// once for each file.
import { HeadBucketCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { type Answer, describeAnswer, hasS3Header, isPageOrJson } from '../../shared/aws/answer.ts';
import { classifyFault, type Fault } from '../../shared/aws/classify.ts';
import { type Heard, listen } from '../../shared/aws/proof.ts';
import { RedirectFault } from '../../shared/aws/redirect-target.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { describeError, Failure } from '../failure.ts';
import { assertCredentials } from '../s3/open.ts';
import { BAD_CREDENTIALS } from './credentials.ts';
import { connectionRemedy } from './remedies.ts';

/** Milliseconds for the answer to each try: a slow one gets more time, and the user hears of it after the first. */
const TRIES_MS = [5_000, 10_000, 20_000] as const;
const REST_MS = 500;
/** A proxy answers so in S3's place; for https it refuses the tunnel. */
const PROXY_AUTHENTICATION_REQUIRED = 407;

export interface BucketDependencies {
  s3: S3Client;
  clock: Clock;
  /** Called where an answer is late, and asked for again. */
  onLate(waitedMs: number): void;
}

/** @throws Failure where nothing can be stored: no credentials, no answer, no such bucket, no S3 */
export async function assertBucket(dependencies: BucketDependencies, bucket: string): Promise<void> {
  const { s3, clock, onLate } = dependencies;
  await assertCredentials(s3);
  for (const [tries, limitMs] of TRIES_MS.entries()) {
    const isLast = tries === TRIES_MS.length - 1;
    const late = AbortSignal.timeout(limitMs);
    try {
      await ask(s3, bucket, late);
      return;
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (late.aborted) {
        if (isLast) throw silence(bucket, limitMs, error);
        onLate(limitMs);
        continue;
      }
      if (isLast || classifyFault(error).kind !== 'transient' || connectionRemedy(error)?.isFinal === true)
        throw unreachable(bucket, error);
    }
    await clock.sleep(REST_MS);
  }
}

/**
 * @param late ends it, with all that it asks
 * @throws Failure where nothing will ever be stored; else what the client throws
 */
async function ask(s3: S3Client, bucket: string, late: AbortSignal): Promise<void> {
  const command = new HeadBucketCommand({ Bucket: bucket });
  const heard = listen(command);
  try {
    await s3.send(command, { abortSignal: late });
  } catch (error) {
    if (await isAnswered(s3, bucket, error, heard, late)) return;
    throw error;
  }
  // Any server answers a HEAD with 200; S3 and most that speak its protocol name themselves in a header.
  if (heard.answer === undefined || !hasS3Header(heard.answer))
    await assertKnown(s3, bucket, heard.answer, late);
}

/**
 * @returns whether the bucket has answered all the same, as S3 does
 * @throws Failure where it never will
 */
async function isAnswered(
  s3: S3Client,
  bucket: string,
  error: unknown,
  { answer }: Heard,
  late: AbortSignal,
): Promise<boolean> {
  if (error instanceof RedirectFault)
    throw new Failure(`bucket ${bucket}: ${error.message}`, { cause: error });
  const status = answer?.status;
  if (status === PROXY_AUTHENTICATION_REQUIRED) {
    throw new Failure(
      'the proxy asks for a user name and a password: HTTP_PROXY takes them before its host, with an @ between',
      { cause: error },
    );
  }
  // A writer may lack the right to look, and a throttled answer is an answer, too.
  if (classifyFault(error).kind === 'throttle') return true;
  // AWS answers 400 to a token that it can't read.
  const mayBeUnknown = status === 403 || status === 400;
  if (mayBeUnknown || (answer !== undefined && isForeignPage(answer)))
    await assertKnown(s3, bucket, answer, late);
  if (mayBeUnknown) return true;
  if (status === 404) throw new Failure(`there is no bucket ${bucket} there`, { cause: error });
  return false;
}

function silence(bucket: string, waitedMs: number, cause: unknown): Failure {
  return new Failure(
    `bucket ${bucket} can't be reached: ${TRIES_MS.length} tries, and no answer in the last one's ${waitedMs / 1000} s. ` +
      'Check --endpoint-url (http or https?), proxies, and what is on the way',
    { cause },
  );
}

function unreachable(bucket: string, cause: unknown): Failure {
  const shown = (cause as NodeJS.ErrnoException).code ?? describeError(cause);
  const remedy = connectionRemedy(cause);
  const why = remedy === undefined ? shown : `${shown}: ${remedy.text}`;
  return new Failure(`bucket ${bucket} can't be reached: ${why}`, { cause });
}

/** Of a listing, whatever its namespace. */
const LISTING = /^\s*(<\?xml[^>]*\?>)?\s*<(\w+:)?ListBucketResult[\s/>]/;

/**
 * A HEAD's answer has no body that says why, or whose it is: that of a listing of nothing has one.
 * @param head what the bucket's HEAD was answered
 * @throws Failure where the credentials are refused, or the endpoint is no S3; what the client throws where it is late
 */
async function assertKnown(
  s3: S3Client,
  bucket: string,
  head: Answer | undefined,
  late: AbortSignal,
): Promise<void> {
  const command = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 0 });
  const heard = listen(command);
  let fault: Fault | undefined;
  let cause: unknown;
  try {
    await s3.send(command, { abortSignal: late });
  } catch (error) {
    if (late.aborted) throw error;
    fault = classifyFault(error);
    cause = error;
  }
  const { answer } = heard;
  // A writer may lack the right to look, but an error of S3 shows that S3 answers. Servers whose answers do not show what they
  // are get checked by the proof of their writes.
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
  if (cause instanceof RedirectFault) throw new Failure(`bucket ${bucket}: ${cause.message}`, { cause });
  if (fault !== undefined && BAD_CREDENTIALS.has(fault.code))
    throw new Failure(`the credentials are refused: ${fault.message} (${fault.code})`, { cause });
}

/** A web page or another API's answer, as far as headers show it: some servers that speak S3 answer a HEAD as text/html too. */
function isForeignPage(answer: Answer): boolean {
  return isPageOrJson(answer) && !hasS3Header(answer);
}
