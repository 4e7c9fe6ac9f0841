// Tokens for the HTTP API: what API Gateway takes, and what it refuses.
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createJwtAuthorizer } from '../../local/lambda/jwt-authorizer.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const ISSUER = 'https://issuer.example.com/';
const OPTIONS = { issuer: ISSUER, audiences: ['spillway', 'other'] };

const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });

function open() {
  const clock = createVirtualClock();
  const nowSeconds = clock.now() / 1000;
  const asked: string[] = [];
  const answers = new Map<string, unknown>([
    [`${ISSUER}.well-known/openid-configuration`, { jwks_uri: 'https://keys.example.com/' }],
    ['https://keys.example.com/', { keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'one' }] }],
  ]);
  const authorizer = createJwtAuthorizer(
    {
      clock,
      fetch: async (url) => {
        asked.push(String(url));
        return Response.json(answers.get(String(url)), { status: answers.has(String(url)) ? 200 : 404 });
      },
    },
    OPTIONS,
  );
  const claims = { iss: ISSUER, aud: 'spillway', sub: 'ada', exp: nowSeconds + 60 };
  return { authorizer, asked, claims, nowSeconds };
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(claims: object, { key = own.privateKey, kid = 'one', alg = 'RS256' } = {}): string {
  const signed = `${part({ alg, kid })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

describe('a JSON Web Token', () => {
  it('lets its caller in, with its claims as text and its scopes', async () => {
    const { authorizer, claims, asked } = open();
    const given = { ...claims, groups: ['a', 'b'], scope: 'read write' };
    const decided = await authorizer.authorize(`Bearer ${token(given)}`);
    expect(decided).toMatchObject({
      kind: 'allowed',
      claims: { iss: ISSUER, sub: 'ada', groups: '[a b]' },
      scopes: ['read', 'write'],
    });
    await authorizer.authorize(token(claims));
    expect(asked).toHaveLength(2);
  });

  it('may name its audience in client_id, or have several', async () => {
    const { authorizer, claims } = open();
    const { aud: _, ...without } = claims;
    expect((await authorizer.authorize(token({ ...without, client_id: 'other' }))).kind).toBe('allowed');
    expect((await authorizer.authorize(token({ ...claims, aud: ['x', 'other'] }))).kind).toBe('allowed');
  });

  it.each([
    ['is missing', () => undefined, /^Bearer$/],
    ['is none', () => 'Bearer abc', /no JSON Web Token/],
    ['is of another issuer', (claims: object) => token({ ...claims, iss: 'https://x' }), /another issuer/],
    ['is for others', (claims: object) => token({ ...claims, aud: 'x' }), /invalid audience/],
    ['has no audience', (claims: object) => token({ ...claims, aud: undefined }), /invalid audience/],
    ['has expired', (claims: object) => token({ ...claims, exp: 1 }), /has expired/],
    ['never expires', (claims: object) => token({ ...claims, exp: undefined }), /has expired/],
    ['is not valid yet', (claims: object) => token({ ...claims, nbf: 9e12 }), /not valid yet/],
    [
      'is signed by another key',
      (claims: object) => token(claims, { key: foreign.privateKey }),
      /signature is/,
    ],
    ['names an unknown key', (claims: object) => token(claims, { kid: 'two' }), /no key of this id/],
    ['has no signature', (claims: object) => token(claims, { alg: 'none' }), /signing method/],
  ])('that %s is refused', async (_, of, says) => {
    const { authorizer, claims } = open();
    expect(await authorizer.authorize(of(claims))).toEqual({
      kind: 'refused',
      challenge: expect.stringMatching(says),
    });
  });
});
