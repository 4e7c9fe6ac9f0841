// Tokens for the HTTP API: what API Gateway takes, and what it refuses. The authorizers of several routes.
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthorizers } from '../../local/lambda/http-authorizers.ts';
import { createJwtAuthorizer } from '../../local/lambda/jwt-authorizer.ts';
import { KEY_SET, tokenOf as token } from '../helpers/tokens.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const ISSUER = 'https://issuer.example.com/';
const OPTIONS = { issuer: ISSUER, audiences: ['spillway', 'other'] };

const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });

function open() {
  const clock = createVirtualClock();
  const nowSeconds = clock.now() / 1000;
  const asked: string[] = [];
  const answers = new Map<string, unknown>([
    [`${ISSUER}.well-known/openid-configuration`, { jwks_uri: 'https://keys.example.com/' }],
    ['https://keys.example.com/', KEY_SET],
  ]);
  const logged: string[] = [];
  const dependencies = {
    clock,
    log: (line: string) => void logged.push(line),
    fetch: async (url: unknown) => {
      asked.push(String(url));
      return Response.json(answers.get(String(url)) ?? null, {
        status: answers.has(String(url)) ? 200 : 404,
      });
    },
  };
  const authorizer = createJwtAuthorizer(dependencies, OPTIONS);
  const authorize = createAuthorizers(dependencies, { region: 'us-east-1', iamCallers: 'signed' });
  const claims = { iss: ISSUER, aud: 'spillway', sub: 'ada', exp: nowSeconds + 60 };
  return { authorizer, authorize, answers, asked, claims, logged, nowSeconds };
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
    ['is for others', (claims: object) => token({ ...claims, aud: 'x' }), /valid audience/],
    ['has no audience', (claims: object) => token({ ...claims, aud: undefined }), /valid audience/],
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

describe('an issuer that can not be asked', () => {
  it('has its tokens refused as API Gateway does, and the reason logged', async () => {
    const { authorizer, answers, claims, logged } = open();
    answers.clear();
    expect(await authorizer.authorize(token(claims))).toEqual({
      kind: 'refused',
      challenge: expect.stringContaining('"OIDC discovery endpoint communication error"'),
    });
    expect(logged).toEqual([expect.stringContaining('.well-known/openid-configuration answered 404')]);
  });
});

describe('the authorizers of an API', () => {
  const jwt = { kind: 'jwt', issuer: ISSUER, audiences: ['spillway'], scopes: [] } as const;
  const withToken = (text: string) => ({
    ...{ method: 'GET', url: '/', body: Buffer.alloc(0) },
    headers: { authorization: `Bearer ${text}` },
  });

  it('decide each by their own audiences, where they have one issuer', async () => {
    const { authorize, claims } = open();
    const other = { ...jwt, audiences: ['other'] };
    for (const of of [jwt, other]) {
      for (const aud of ['spillway', 'other']) {
        const decided = await authorize(of, withToken(token({ ...claims, aud })));
        expect(decided.kind, `${of.audiences} for ${aud}`).toBe(of.audiences[0] === aud ? 'jwt' : 'refused');
      }
    }
  });

  it('ask the issuer once for routes of one authorizer, whatever scopes these have', async () => {
    const { authorize, asked, claims } = open();
    for (const scopes of [[], ['read']]) await authorize({ ...jwt, scopes }, withToken(token(claims)));
    expect(asked).toHaveLength(2);
  });

  it('keep no more than an API has, those that were used last', async () => {
    const { authorize, asked, claims } = open();
    const use = (audience: string) =>
      authorize({ ...jwt, audiences: [audience] }, withToken(token({ ...claims, aud: audience })));
    for (let number = 0; number < 11; number++) await use(`a${number}`);
    await use('a10');
    expect(asked).toHaveLength(2 * 11);
    await use('a0');
    expect(asked).toHaveLength(2 * 12);
  });

  it.each([
    ['scope', { scope: 'read write' }],
    ['scp', { scp: 'write' }],
    ['scp as a list', { scp: ['write'] }],
  ])('take a token that has one of the scopes of a route, in %s', async (_, given) => {
    const { authorize, claims } = open();
    const needed = { ...jwt, scopes: ['write', 'admin'] };
    expect((await authorize(needed, withToken(token({ ...claims, ...given })))).kind).toBe('jwt');
  });

  it.each([{}, { scope: 'read' }, { scp: ['read'] }])('refuse one that has none: %j', async (given) => {
    const { authorize, claims } = open();
    const decided = await authorize(
      { ...jwt, scopes: ['write', 'admin'] },
      withToken(token({ ...claims, ...given })),
    );
    expect(decided).toEqual({
      ...{ kind: 'refused', status: 403 },
      challenge: expect.stringMatching(/^Bearer scope="write admin" error="insufficient_scope"/),
    });
  });
});
