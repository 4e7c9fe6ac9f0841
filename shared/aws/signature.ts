// AWS's signature of a request in its headers, version 4, as S3 takes it: the path is signed as it is sent.
// (AWS General Reference, "Signature Version 4"; held against the SDK's signer by a test.)
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Where a signature holds. */
export interface SigningScope {
  region: string;
  service: string;
}

export interface UnsignedRequest {
  method: string;
  /** Encoded; without the query. */
  path: string;
  /** Encoded, with its names in order; without the question mark. */
  query?: string;
  /** Names in lower case, `host` among them. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

export interface Signer {
  /** @returns the headers with those that sign them */
  sign(request: UnsignedRequest, credentials: Credentials, at: Date): Record<string, string>;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SIGNED = /^AWS4-HMAC-SHA256 Credential=[^,]*\/([^/,]+)\/([^/,]+)\/aws4_request,/;
/** Proxies may change or drop them. */
const UNSIGNED = new Set(['user-agent', 'x-amzn-trace-id']);

/** Where the signature of a request holds; undefined where it is none of this algorithm. */
export function signedScope(headers: UnsignedRequest['headers']): SigningScope | undefined {
  const [, region, service] = SIGNED.exec(headers['authorization'] ?? '') ?? [];
  return region === undefined || service === undefined ? undefined : { region, service };
}

export function createSigner(scope: SigningScope): Signer {
  let kept: { secret: string; day: string; key: KeyObject } | undefined;

  /** The key of a day, as a key object: made of bytes for each request, it would cost more than all else here. */
  function keyOf(secret: string, day: string): KeyObject {
    if (kept?.secret === secret && kept.day === day) return kept.key;
    const steps = [day, scope.region, scope.service, 'aws4_request'];
    const bytes = steps.reduce<Buffer>(
      (key, step) => hmac(key).update(step).digest(),
      Buffer.from(`AWS4${secret}`),
    );
    kept = { secret, day, key: createSecretKey(bytes) };
    return kept.key;
  }

  return {
    sign({ method, path, query = '', headers, body }, { accessKeyId, secretAccessKey, sessionToken }, at) {
      const stamp = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
      const day = stamp.slice(0, 8);
      const bodyHash = hash('sha256', body);
      const signed: Record<string, string> = {
        ...headers,
        'x-amz-date': stamp,
        'x-amz-content-sha256': bodyHash,
      };
      if (sessionToken !== undefined) signed['x-amz-security-token'] = sessionToken;

      const names = Object.keys(signed)
        .filter((name) => !UNSIGNED.has(name))
        .sort();
      const lines = names.map((name) => `${name}:${signed[name]?.trim().replace(/\s+/g, ' ')}\n`).join('');
      const signedNames = names.join(';');
      // Node sends headers as one byte a character; the path is ASCII. So these are the bytes that arrive.
      const canonical = `${method}\n${path}\n${query}\n${lines}\n${signedNames}\n${bodyHash}`;
      const place = `${day}/${scope.region}/${scope.service}/aws4_request`;
      const signature = hmac(keyOf(secretAccessKey, day))
        .update(`${ALGORITHM}\n${stamp}\n${place}\n${hash('sha256', Buffer.from(canonical, 'latin1'))}`)
        .digest('hex');
      signed['authorization'] =
        `${ALGORITHM} Credential=${accessKeyId}/${place}, SignedHeaders=${signedNames}, Signature=${signature}`;
      return signed;
    },
  };
}

function hmac(key: Buffer | KeyObject) {
  return createHmac('sha256', key);
}
