// API Gateway's JWT authorizer. (API Gateway developer guide, "Control access to HTTP APIs with JWT authorizers".)
//
// It takes tokens of one issuer, signed by one of its RSA keys, which it looks up at ISSUER/.well-known/openid-configuration:
//
//   iss         equals the issuer
//   aud         one of the audiences; where there is no aud, client_id
//   exp         later than now; nbf and iat not later
//
// A route may ask for scopes: the claim `scope`, or `scp`, has them.
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import * as z from 'zod/mini';
import type { Clock } from '../../shared/time/clock.ts';

export interface JwtAuthorizerOptions {
  issuer: string;
  audiences: readonly string[];
}

export type Authorization =
  | { kind: 'allowed'; claims: Record<string, string>; scopes: string[] | null }
  /** `challenge` is the value of WWW-Authenticate. */
  | { kind: 'refused'; challenge: string };

export interface JwtDependencies {
  fetch: typeof globalThis.fetch;
  clock: Pick<Clock, 'now'>;
  /** Why an issuer can't be asked: the caller is told no more than API Gateway tells. */
  log: (line: string) => void;
}

export interface JwtAuthorizer {
  authorize(authorization: string | undefined): Promise<Authorization>;
}

/** Algorithms by the names of their digests: API Gateway takes RSA alone. */
const DIGESTS = new Map([
  ['RS256', 'sha256'],
  ['RS384', 'sha384'],
  ['RS512', 'sha512'],
]);
/** API Gateway may keep a key for two hours. */
const KEYS_KEPT_MS = 2 * 3600 * 1000;
/** An unknown key id makes it look again, but not with each bad token. */
const LOOK_AGAIN_MS = 60 * 1000;
/** For each of the two documents of an issuer. */
const LOOK_UP_MS = 5_000;
const MAX_DOCUMENT_CHARACTERS = 1024 * 1024;
const MAX_TOKEN_CHARACTERS = 16 * 1024;

const configuration = z.object({ jwks_uri: z.string() });
const keySet = z.object({ keys: z.array(z.looseObject({ kid: z.optional(z.string()), kty: z.string() })) });
const header = z.object({ alg: z.string(), kid: z.optional(z.string()) });
const claimsOf = z.looseObject({
  iss: z.optional(z.string()),
  aud: z.optional(z.union([z.string(), z.array(z.string())])),
  client_id: z.optional(z.string()),
  exp: z.optional(z.number()),
  nbf: z.optional(z.number()),
  iat: z.optional(z.number()),
  scope: z.optional(z.string()),
  scp: z.optional(z.union([z.string(), z.array(z.string())])),
});
type Claims = z.infer<typeof claimsOf>;

export function createJwtAuthorizer(
  { fetch, clock, log }: JwtDependencies,
  { issuer, audiences }: JwtAuthorizerOptions,
): JwtAuthorizer {
  let kept: { keys: Map<string, KeyObject>; atMs: number } | undefined;

  async function readJson(url: string): Promise<unknown> {
    const answer = await fetch(url, { signal: AbortSignal.timeout(LOOK_UP_MS) });
    const text = await answer.text();
    if (!answer.ok || text.length > MAX_DOCUMENT_CHARACTERS)
      throw new Error(`${url} answered ${answer.status} with ${text.length} characters`);
    return JSON.parse(text);
  }

  async function keyOf(kid: string): Promise<KeyObject | undefined> {
    const ageMs = kept === undefined ? Number.POSITIVE_INFINITY : clock.now() - kept.atMs;
    const isStale = ageMs > KEYS_KEPT_MS || (kept?.keys.has(kid) === false && ageMs > LOOK_AGAIN_MS);
    if (isStale) {
      const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
      const { jwks_uri: place } = configuration.parse(await readJson(url));
      const { keys } = keySet.parse(await readJson(place));
      const rsa = keys.filter(({ kty }) => kty === 'RSA');
      const entries = rsa.map(
        (key) => [key.kid ?? '', createPublicKey({ key: key as JsonWebKey, format: 'jwk' })] as const,
      );
      kept = { keys: new Map(entries), atMs: clock.now() };
    }
    return kept?.keys.get(kid);
  }

  /** Undefined where the issuer can't be asked. */
  async function keyOrNothing(kid: string): Promise<{ key: KeyObject | undefined } | undefined> {
    try {
      return { key: await keyOf(kid) };
    } catch (error) {
      log(JSON.stringify({ level: 'ERROR', message: 'Issuer not readable', issuer, detail: String(error) }));
      return undefined;
    }
  }

  return {
    async authorize(authorization = '') {
      // The scheme may be left out.
      const token = authorization.replace(/^Bearer +/i, '');
      if (token === '') return { kind: 'refused', challenge: 'Bearer' };
      const parsed = parseToken(token);
      if (parsed === undefined) return refused('the token is no JSON Web Token');
      const { alg, kid = '', signed, signature, claims } = parsed;
      const fault = faultOfClaims(claims, { issuer, audiences }, clock.now() / 1000);
      if (fault !== undefined) return refused(fault);
      const digest = DIGESTS.get(alg);
      if (digest === undefined) return refused('signing method is invalid');
      const found = await keyOrNothing(kid);
      if (found === undefined) return refused('OIDC discovery endpoint communication error');
      const { key } = found;
      if (key === undefined) return refused('the issuer has no key of this id');
      if (!verify(digest, signed, key, signature)) return refused('the signature is invalid');
      return { kind: 'allowed', claims: claimTexts(claims), scopes: scopesOf(claims) };
    },
  };
}

function scopesOf({ scope, scp = scope }: Claims): string[] | null {
  return scp === undefined ? null : [scope ?? scp].flat().flatMap((each) => each.split(' '));
}

function refused(description: string): Authorization {
  const challenge = `Bearer scope="" error="invalid_token" error_description="${description}"`;
  return { kind: 'refused', challenge };
}

function parseToken(token: string) {
  const [head = '', body = '', signature = '', ...more] = token.split('.');
  if (token.length > MAX_TOKEN_CHARACTERS || more.length > 0) return undefined;
  try {
    const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    return {
      ...header.parse(decoded(head)),
      claims: claimsOf.parse(decoded(body)),
      signed: Buffer.from(`${head}.${body}`),
      signature: Buffer.from(signature, 'base64url'),
    };
  } catch {
    // No JSON, or other JSON than a token has.
    return undefined;
  }
}

function faultOfClaims(
  { iss, aud, client_id: client, exp, nbf, iat }: Claims,
  { issuer, audiences }: JwtAuthorizerOptions,
  nowSeconds: number,
): string | undefined {
  if (iss !== issuer) return 'the token is of another issuer';
  const named = aud === undefined ? [client ?? ''] : [aud].flat();
  if (!named.some((each) => audiences.includes(each))) return 'the token does not have a valid audience';
  if (exp === undefined || exp <= nowSeconds) return 'the token has expired';
  if ((nbf ?? 0) > nowSeconds || (iat ?? 0) > nowSeconds) return 'the token is not valid yet';
  return undefined;
}

/** API Gateway passes every claim as text: a list as [a b]. */
function claimTexts(claims: Claims): Record<string, string> {
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      Array.isArray(value)
        ? `[${value.join(' ')}]`
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value),
    ]),
  );
}
