// Where an answer of S3's says that a bucket is: its region, or another address, and whether that may be followed.
import type { Answer } from './answer.ts';
import { elementText } from './xml-element.ts';

const MAX_LOCATION_LENGTH = 8_192;
const REGION = /^[a-z0-9-]{1,40}$/;
const S3_OF_AWS = /(^|\.)s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?$/;

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

/** What a request asked for: the path without its bucket, and the domain of its endpoint. */
export interface Asked {
  request: SignedRequest;
  bucket: string;
  keyPath: string;
  domain: string;
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

/** @throws RedirectFault where it leads out of the endpoint's domain, or nowhere */
export function placeOf({ host, status, headers, text }: Answer, asked: Asked): Place {
  const { request, bucket, domain } = asked;
  const { url, isVirtualHosted } = targetOf({ headers, text }, asked);
  const refuse = (why: string) => {
    throw new RedirectFault(status, `${host} redirects ${why}`);
  };
  if (url === undefined) return refuse('and names no address: check --endpoint-url and AWS_REGION');
  const named = `to ${url.origin}`;
  const remedy = `If that is right: --endpoint-url ${withoutBucket(url, bucket, isVirtualHosted ?? false)}`;
  if (!isWithin(domain, url.hostname))
    return refuse(`${named}, which is outside of its own domain. ${remedy}`);
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
  { headers, text }: Pick<Answer, 'headers' | 'text'>,
  { request, bucket, keyPath }: Asked,
): Target {
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
  const endpoint = elementText(text, 'Endpoint') ?? '';
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
  { request, bucket, keyPath }: Asked,
): void {
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

function withoutBucket(url: URL, bucket: string, isVirtualHosted: boolean): string {
  return isVirtualHosted ? url.origin.replace(`${bucket}.`, '') : url.origin;
}

export function hostOf({ hostname, port }: Address): string {
  return port === undefined ? hostname : `${hostname}:${port}`;
}
