// Redirects of S3: a bucket in another region, a bucket so new that its name leads elsewhere, an address that has moved.
//
//   301, 307, 308         followed with a signature for the new address, within the endpoint's own domain
//   x-amz-bucket-region   from then on, requests are made and signed for that region
//   else                  refused, with the address that was named
//
// What was learned of a bucket holds for the client's whole life: only requests under way until then are sent twice.
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Answer, RawAnswer } from './answer.ts';
import { textOf } from './read-answer.ts';
import {
  type Asked,
  hostOf,
  moveTo,
  type Place,
  placeOf,
  RedirectFault,
  regionIn,
  type SignedRequest,
} from './redirect-target.ts';
import { signedScope } from './signature.ts';

/** They ask for the same method and body again. 302 and 303 do not: login pages answer with them, S3 never does. */
export const REDIRECTS: ReadonlySet<number> = new Set([301, 307, 308]);
/** A bucket's name, then its region, then its address: more redirects are a loop. */
const MAX_HOPS = 3;

/** An answer that has to be understood before the SDK reads it. */
class Redirected extends Error {
  readonly answer: Answer;
  readonly request: SignedRequest;

  constructor(answer: Answer, request: SignedRequest) {
    super(`redirected by ${answer.host}`);
    this.answer = answer;
    this.request = request;
  }
}

/** @returns the same client, which follows redirects from now on */
export function followRedirects(s3: S3Client): S3Client {
  const places = new Map<string, Place>();
  /** By the context that all steps of one command share. */
  const askedBy = new WeakMap<object, Asked>();

  async function learn({ answer, request }: Redirected, asked: Asked): Promise<void> {
    const region = otherRegion(answer, request);
    // Another request may have learned the region, and been redirected, since this request left.
    if (region !== undefined) s3.config.region = () => Promise.resolve(region);
    // By its region alone the SDK finds AWS's own address.
    if (region !== undefined && s3.config.isCustomEndpoint !== true) return;
    if (REDIRECTS.has(answer.status)) places.set(asked.bucket, placeOf(answer, request, asked));
  }

  /**
   * Reads the target of a request as the SDK made it. A host may begin with the bucket's name by chance: only the client knows
   * its style.
   */
  async function askedOf({ hostname, path }: SignedRequest, bucket: string): Promise<Asked> {
    if (s3.config.forcePathStyle !== true && hostname.startsWith(`${bucket}.`))
      return { bucket, keyPath: path, domain: hostname.slice(bucket.length + 1), hasOwnPath: false };
    const ownPath = (await s3.config.endpoint?.())?.path ?? '/';
    return { bucket, keyPath: path.slice(bucket.length + 1), domain: hostname, hasOwnPath: ownPath !== '/' };
  }

  s3.middlewareStack.add(
    (next, context) => async (args) => {
      for (let hops = 0; ; hops++) {
        try {
          return await next(args);
        } catch (error) {
          const asked = askedBy.get(context);
          if (!(error instanceof Redirected) || asked === undefined) throw error;
          if (hops === MAX_HOPS) {
            const { status, host } = error.answer;
            throw new RedirectFault(
              status,
              `${host} redirects again, after ${MAX_HOPS} redirects: they form a loop`,
            );
          }
          await learn(error, asked);
        }
      }
    },
    { step: 'initialize', priority: 'high', name: 'followRedirects' },
  );
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const { Bucket: bucket = '' } = args.input as { Bucket?: string };
      const request = args.request as SignedRequest;
      const asked = await askedOf(request, bucket);
      askedBy.set(context, asked);
      const place = places.get(bucket);
      if (place !== undefined) moveTo(place, request, asked);
      return next(args);
    },
    // Behind all that makes the request, and before its signature.
    { step: 'build', priority: 'low', name: 'moveToPlace' },
  );
  s3.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as RawAnswer;
      const { statusCode: status, headers } = response;
      if (!REDIRECTS.has(status) && status !== 400) return result;
      const request = args.request as SignedRequest;
      const { text } = await textOf(response.body, undefined);
      const answer: Answer = { host: hostOf(request), status, headers, text, isWhole: true };
      const { Bucket: bucket } = args.input as { Bucket?: string };
      const isElsewhere = REDIRECTS.has(status) || otherRegion(answer, request) !== undefined;
      if (bucket !== undefined && isElsewhere) throw new Redirected(answer, request);
      response.body = Readable.from([Buffer.from(text)], { objectMode: false });
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'noticeRedirect' },
  );
  return s3;
}

/** @returns the region that the bucket is in, where the request was signed for another: S3 answers 400, or redirects */
export function otherRegion(answer: Answer, request: Pick<SignedRequest, 'headers'>): string | undefined {
  const signedFor = signedScope(request.headers)?.region;
  const region = regionIn(answer);
  // Other signatures than SigV4 hold for several regions.
  return signedFor === undefined || region === signedFor ? undefined : region;
}
