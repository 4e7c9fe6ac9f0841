// API Gateway's IAM authorizer, as far as it checks who signed a request: AWS's signature, version 4, in the header Authorization.
// (AWS General Reference, "Create a signed AWS API request"; API Gateway developer guide, "IAM authorization for HTTP APIs".)
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../shared/time/clock.ts';
import { LOCAL_CREDENTIALS } from './variables.ts';

export interface SignedRequest {
  method: string;
  /** Path and query as sent. */
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface IamAuthorizer {
  /** Whether the local user signed it, for this API's region, within the last minutes. */
  isSigned(request: SignedRequest): boolean;
}

/** How far the time of a signature may be from the time at which it arrives. */
const MAX_AGE_MS = 5 * 60 * 1000;
const SERVICE = 'execute-api';
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;
const STAMP = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

export function createIamAuthorizer(
  { clock }: { clock: Pick<Clock, 'now'> },
  { region }: { region: string },
): IamAuthorizer {
  return {
    isSigned(request) {
      const parts = AUTHORIZATION.exec(request.headers['authorization'] ?? '');
      const stamp = String(request.headers['x-amz-date'] ?? '');
      if (parts === null || !STAMP.test(stamp)) return false;
      const [, accessKey, day = '', signedRegion, service, signedNames = '', signature = ''] = parts;
      const ageMs = Math.abs(clock.now() - Date.parse(stamp.replace(STAMP, '$1-$2-$3T$4:$5:$6Z')));
      // Also false where the stamp has the form of a time and is none.
      const isFresh = ageMs <= MAX_AGE_MS && stamp.startsWith(day);
      const isForHere = signedRegion === region && service === SERVICE;
      const names = signedNames.split(';');
      const isOurs = accessKey === LOCAL_CREDENTIALS.accessKeyId && names.includes('host');
      if (!isFresh || !isForHere || !isOurs) return false;
      const expected = signatureOf(canonicalRequest(request, names), { stamp, day, region });
      return timingSafeEqual(Buffer.from(expected), Buffer.from(signature));
    },
  };
}

function signatureOf(
  canonical: string,
  { stamp, day, region }: { stamp: string; day: string; region: string },
): string {
  const steps = [day, region, SERVICE, 'aws4_request'];
  const key = steps.reduce<string | Buffer>(hmac, `AWS4${LOCAL_CREDENTIALS.secretAccessKey}`);
  const digest = hash('sha256', Buffer.from(canonical, 'latin1'));
  return hmac(key, `AWS4-HMAC-SHA256\n${stamp}\n${steps.join('/')}\n${digest}`).toString('hex');
}

/** Of all services but S3: the path is encoded once more than it is sent. */
function canonicalRequest({ method, url, headers, body }: SignedRequest, names: readonly string[]): string {
  const [path = '/', query = ''] = url.split('?', 2);
  const encoded = path.split('/').map(encodedAgain).join('/');
  const lines = names.map(
    (name) => `${name}:${[headers[name] ?? ''].flat().join(',').trim().replace(/ +/g, ' ')}\n`,
  );
  return [method, encoded, sortedQuery(query), lines.join(''), names.join(';'), hash('sha256', body)].join(
    '\n',
  );
}

function sortedQuery(query: string): string {
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&');
}

function encodedAgain(segment: string): string {
  const sub = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(segment).replace(/[!'()*]/g, sub);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
