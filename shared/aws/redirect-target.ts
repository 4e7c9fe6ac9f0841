// The place of a bucket according to an answer of S3: its region, or another address, and whether that may be followed.
import type { Answer } from './answer.ts';
import { elementText } from './xml-element.ts';

const MAX_LOCATION_LENGTH = 8_192;
const REGION = /^[a-z0-9-]{1,40}$/;
/** What may stand behind s3 in AWS's names. A load balancer may be called s3 as well: s3-1234.REGION.elb.amazonaws.com. */
const S3_OF_AWS =
  /(^|\.)s3([.-](dualstack|fips|accelerate|external-1|[a-z]{2,}(-[a-z]+)+-\d{1,2}))*(\.vpce)?\.amazonaws\.com(\.cn)?$/;
/** Those whose name in another region is known. */
const PLAIN_S3_OF_AWS = /^s3([.-][a-z]{2,}(-[a-z]+)+-\d{1,2})?\.(amazonaws\.com(\.cn)?)$/;
/** Domains in which anyone may register a name. */
const PUBLIC = /^(com?|net?|org?|gov?|edu|ac)\.[a-z]{2}$/;

export interface Address {
  protocol: string;
  hostname: string;
  port?: number;
}

export interface SignedRequest extends Address {
  path: string;
  headers: Record<string, string>;
}

/** Where a bucket is, and whether its name is part of the host's there. */
export interface Place extends Address {
  isVirtualHosted: boolean;
}

/** The target of a request before any redirect. */
export interface Asked {
  bucket: string;
  /** The path behind the bucket. */
  keyPath: string;
  /** The endpoint's, without the bucket. */
  domain: string;
  /** Whether the endpoint has a path of its own. Then the path of a bucket on another host is unknown. */
  hasOwnPath: boolean;
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

export function regionIn({ status, headers, text }: Answer): string | undefined {
  const isMalformed = status === 400 && elementText(text, 'Code') === 'AuthorizationHeaderMalformed';
  const region = headers['x-amz-bucket-region'] ?? (isMalformed ? elementText(text, 'Region') : undefined);
  return region !== undefined && REGION.test(region) ? region : undefined;
}

/**
 * @param request the one that was answered, after any earlier redirects
 * @throws RedirectFault where it leads out of the endpoint's domain, or nowhere
 */
export function placeOf(answer: Answer, request: SignedRequest, asked: Asked): Place {
  const { host, status } = answer;
  const { bucket, domain, hasOwnPath } = asked;
  const { url, isVirtualHosted } = targetOf(answer, request, asked);
  const refuse = (why: string) => {
    throw new RedirectFault(status, `${host} redirects ${why}`);
  };
  if (url === undefined) {
    const region = regionIn(answer);
    const named = region === undefined ? '' : `, only the region ${region}`;
    return refuse(`and names no address${named}: check --endpoint-url and AWS_REGION`);
  }
  const named = `to ${url.origin}`;
  const remedy = `If that is right: --endpoint-url ${withoutBucket(url, bucket, isVirtualHosted ?? false)}`;
  if (!isWithin(domain, url.hostname))
    return refuse(`${named}, which is outside of its own domain. ${remedy}`);
  if (request.protocol === 'https:' && url.protocol !== 'https:')
    return refuse(`${named}, from https to http. ${remedy}`);
  if (hasOwnPath) return refuse(`${named}, from an endpoint that has a path. ${remedy}`);
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

/**
 * By Location, else by the error's element Endpoint, which is a host without a path. To a HEAD, AWS names the region alone.
 */
function targetOf(answer: Answer, request: SignedRequest, { bucket, keyPath, domain }: Asked): Target {
  const { headers, text } = answer;
  const location = headers['location'] ?? '';
  const base = `${request.protocol}//${hostOf(request)}`;
  if (location !== '' && location.length <= MAX_LOCATION_LENGTH && URL.canParse(location, base)) {
    const url = new URL(location, base);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return {};
    const isSame = (path: string) => plainPath(url.pathname) === plainPath(path);
    if (isSame(`/${bucket}${keyPath}`)) return { url, isVirtualHosted: false };
    return isSame(keyPath) && url.hostname.startsWith(`${bucket}.`)
      ? { url, isVirtualHosted: true }
      : { url };
  }
  const region = regionIn(answer);
  const suffix = PLAIN_S3_OF_AWS.exec(domain)?.[3];
  const regional = region === undefined || suffix === undefined ? '' : `s3.${region}.${suffix}`;
  const endpoint = elementText(text, 'Endpoint') ?? regional;
  const address = `${request.protocol}//${endpoint}`;
  if (endpoint === '' || endpoint.length > MAX_LOCATION_LENGTH || !URL.canParse(address)) return {};
  const url = new URL(address);
  return { url, isVirtualHosted: url.hostname.startsWith(`${bucket}.`) };
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

export function moveTo(
  { protocol, hostname, port, isVirtualHosted }: Place,
  request: SignedRequest,
  { bucket, keyPath }: Asked,
): void {
  request.protocol = protocol;
  request.hostname = hostname;
  if (port === undefined) delete request.port;
  else request.port = port;
  request.path = isVirtualHosted ? keyPath || '/' : `/${bucket}${keyPath}`;
  request.headers['host'] = hostOf(request);
}

/** Whether the other host belongs to the domain that the user trusts with the data. */
function isWithin(own: string, other: string): boolean {
  if (other === own || other.endsWith(`.${own}`)) return true;
  if (S3_OF_AWS.test(own)) return S3_OF_AWS.test(other);
  const parent = own.slice(own.indexOf('.') + 1);
  const hasOwnParent = parent.includes('.') && /[a-z]/i.test(own.slice(own.lastIndexOf('.') + 1));
  return hasOwnParent && !PUBLIC.test(parent) && (other === parent || other.endsWith(`.${parent}`));
}

function withoutBucket(url: URL, bucket: string, isVirtualHosted: boolean): string {
  return isVirtualHosted ? url.origin.replace(`${bucket}.`, '') : url.origin;
}

export function hostOf({ hostname, port }: Pick<Address, 'hostname' | 'port'>): string {
  return port === undefined ? hostname : `${hostname}:${port}`;
}
