// Redirects of S3: a bucket in another region, a bucket so new that its name leads elsewhere, an address that has moved.
//
//   301, 307, 308         followed with a signature for the new address, within the endpoint's own domain
//   x-amz-bucket-region   from then on, requests are made and signed for that region
//   else                  refused, with the address that was named
//
// What was learned of a bucket holds for the client's whole life, so that each body is sent in vain once at most.
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Answer, bounded, MOST_ANSWER_BYTES } from './answer.ts';
import { elementText } from './xml-element.ts';

/** They ask for the same method and body again. 302 and 303 don't: a login page answers so, and never S3. */
export const REDIRECTS: ReadonlySet<number> = new Set([301, 307, 308]);
/** A bucket's name, then its region, then its address: more is a circle. */
const MAX_HOPS = 3;
const MAX_LOCATION_LENGTH = 8_192;
const REGION = /^[a-z0-9-]{1,40}$/;
const S3_OF_AWS = /(^|\.)s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?$/;

interface Address {
  protocol: string;
  hostname: string;
  port?: number;
}

interface SignedRequest extends Address {
  path: string;
  headers: Record<string, string>;
}

/** Where a bucket is, and whether its name is part of the host's there. */
interface Place extends Address {
  isVirtualHosted: boolean;
}

/** A redirect that was not followed. The message says where it leads, and why it was not. */
export class RedirectFault extends Error {
  readonly $metadata: { httpStatusCode: number };

  constructor(status: number, message: string) {
    super(message);
    this.name = status === 307 ? 'TemporaryRedirect' : 'PermanentRedirect';
    this.$metadata = { httpStatusCode: status };
  }
}

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

  async function learn(bucket: string, { answer, request }: Redirected): Promise<void> {
    const region = regionIn(answer);
    const isNewRegion = region !== undefined && region !== (await s3.config.region());
    if (isNewRegion) s3.config.region = () => Promise.resolve(region);
    // By its region alone the SDK finds AWS's own address.
    if (isNewRegion && s3.config.isCustomEndpoint !== true) return;
    if (REDIRECTS.has(answer.status)) places.set(bucket, placeOf(bucket, answer, request));
  }

  s3.middlewareStack.add(
    (next) => async (args) => {
      const { Bucket: bucket = '' } = args.input as { Bucket?: string };
      for (let hops = 0; ; hops++) {
        try {
          return await next(args);
        } catch (error) {
          if (!(error instanceof Redirected)) throw error;
          if (hops === MAX_HOPS) {
            const { status, host } = error.answer;
            throw new RedirectFault(
              status,
              `${host} redirects again, after ${MAX_HOPS} redirects: they lead in a circle`,
            );
          }
          await learn(bucket, error);
        }
      }
    },
    { step: 'initialize', priority: 'high', name: 'followRedirects' },
  );
  s3.middlewareStack.add(
    (next) => async (args) => {
      const { Bucket: bucket = '' } = args.input as { Bucket?: string };
      const place = places.get(bucket);
      if (place !== undefined) moveTo(place, bucket, args.request as SignedRequest);
      return next(args);
    },
    // Behind all that makes the request, and before its signature.
    { step: 'build', priority: 'low', name: 'moveToPlace' },
  );
  s3.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as {
        statusCode: number;
        headers: Record<string, string>;
        body: Readable;
      };
      const { statusCode: status, headers } = response;
      if (!REDIRECTS.has(status) && status !== 400) return result;
      const request = args.request as SignedRequest;
      const text = await textOf(response.body);
      const answer: Answer = { host: hostOf(request), status, headers, text, isWhole: true };
      const { Bucket: bucket } = args.input as { Bucket?: string };
      const isElsewhere = REDIRECTS.has(status) || (await isOfOtherRegion(s3, answer));
      if (bucket !== undefined && isElsewhere) throw new Redirected(answer, request);
      response.body = Readable.from([Buffer.from(text)], { objectMode: false });
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'noticeRedirect' },
  );
  return s3;
}

/** @returns the body as text, as far as it is read */
async function textOf(body: Readable): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bounded(body, MOST_ANSWER_BYTES)) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}

/** S3 answers 400 to a signature for another region, and says for which it has to be. */
async function isOfOtherRegion(s3: S3Client, answer: Answer): Promise<boolean> {
  const region = regionIn(answer);
  return region !== undefined && region !== (await s3.config.region());
}

function regionIn({ status, headers, text }: Answer): string | undefined {
  const isMalformed = status === 400 && elementText(text, 'Code') === 'AuthorizationHeaderMalformed';
  const region = headers['x-amz-bucket-region'] ?? (isMalformed ? elementText(text, 'Region') : undefined);
  return region !== undefined && REGION.test(region) ? region : undefined;
}

/** @throws RedirectFault where it leads out of the endpoint's domain, or nowhere */
function placeOf(bucket: string, { host, status, headers, text }: Answer, request: SignedRequest): Place {
  const { url, isVirtualHosted } = targetOf(bucket, { headers, text }, request);
  const refuse = (why: string) => {
    throw new RedirectFault(status, `${host} redirects ${why}`);
  };
  if (url === undefined) return refuse('and names no address: check --endpoint-url and AWS_REGION');
  const named = `to ${url.origin}`;
  const remedy = `If that is right: --endpoint-url ${withoutBucket(url, bucket, isVirtualHosted ?? false)}`;
  const own = ownDomain(request, bucket);
  if (!isWithin(own, url.hostname)) return refuse(`${named}, which is outside of its own domain. ${remedy}`);
  if (request.protocol === 'https:' && url.protocol !== 'https:')
    return refuse(`${named}, from https to http. ${remedy}`);
  if (isVirtualHosted === undefined) return refuse(`${named}, and there to another object. ${remedy}`);
  return {
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    isVirtualHosted,
  };
}

interface Target {
  url?: URL;
  /** Absent: it leads to another bucket or key. */
  isVirtualHosted?: boolean;
}

/** By Location, else by the error's element Endpoint, which is a host without a path. */
function targetOf(
  bucket: string,
  { headers, text }: Pick<Answer, 'headers' | 'text'>,
  request: SignedRequest,
): Target {
  const location = headers['location'] ?? '';
  const base = `${request.protocol}//${hostOf(request)}`;
  if (location !== '' && location.length <= MAX_LOCATION_LENGTH && URL.canParse(location, base)) {
    const url = new URL(location, base);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return {};
    const asked = keyPathOf(request, bucket);
    const isSame = (path: string) => plainPath(url.pathname) === plainPath(path);
    if (isSame(`/${bucket}${asked}`)) return { url, isVirtualHosted: false };
    return isSame(asked) && url.hostname.startsWith(`${bucket}.`) ? { url, isVirtualHosted: true } : { url };
  }
  const endpoint = elementText(text, 'Endpoint') ?? '';
  const address = `${request.protocol}//${endpoint}`;
  if (endpoint === '' || endpoint.length > MAX_LOCATION_LENGTH || !URL.canParse(address)) return {};
  const url = new URL(address);
  return { url, isVirtualHosted: url.hostname.startsWith(`${bucket}.`) };
}

/** The request's path without its bucket. */
function keyPathOf({ hostname, path }: SignedRequest, bucket: string): string {
  return hostname.startsWith(`${bucket}.`) ? path : path.slice(bucket.length + 1);
}

/** Servers encode a path in their own way, and may add a slash to a bucket's. */
function plainPath(path: string): string {
  const trimmed = path.replace(/\/$/, '');
  try {
    return decodeURIComponent(trimmed);
  } catch {
    return trimmed;
  }
}

function moveTo(
  { protocol, hostname, port, isVirtualHosted }: Place,
  bucket: string,
  request: SignedRequest,
): void {
  const keyPath = keyPathOf(request, bucket);
  request.protocol = protocol;
  request.hostname = hostname;
  if (port === undefined) delete request.port;
  else request.port = port;
  request.path = isVirtualHosted ? keyPath || '/' : `/${bucket}${keyPath}`;
  request.headers['host'] = hostOf(request);
}

/** Whether what the user trusts with the data also answers for the other host. */
function isWithin(own: string, other: string): boolean {
  if (other === own || other.endsWith(`.${own}`)) return true;
  if (S3_OF_AWS.test(own)) return S3_OF_AWS.test(other);
  const parent = own.slice(own.indexOf('.') + 1);
  const hasOwnParent = parent.includes('.') && /[a-z]/i.test(own.slice(own.lastIndexOf('.') + 1));
  return hasOwnParent && (other === parent || other.endsWith(`.${parent}`));
}

function ownDomain({ hostname }: SignedRequest, bucket: string): string {
  return hostname.startsWith(`${bucket}.`) ? hostname.slice(bucket.length + 1) : hostname;
}

function withoutBucket(url: URL, bucket: string, isVirtualHosted: boolean): string {
  return isVirtualHosted ? url.origin.replace(`${bucket}.`, '') : url.origin;
}

function hostOf({ hostname, port }: Address): string {
  return port === undefined ? hostname : `${hostname}:${port}`;
}
