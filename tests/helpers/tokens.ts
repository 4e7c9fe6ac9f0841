// Tokens of an issuer, and the issuer as a server on a free port of this machine.
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const own = generateKeyPairSync('rsa', { modulusLength: 2048 });

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function tokenOf(claims: object, { key = own.privateKey, kid = 'one', alg = 'RS256' } = {}): string {
  const signed = `${part({ alg, kid })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

/** The public key of the tokens, as an issuer publishes it. */
export const KEY_SET = { keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'one' }] };

export async function startIssuer(): Promise<{ issuer: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const isConfiguration = request.url === '/.well-known/openid-configuration';
    response.end(JSON.stringify(isConfiguration ? { jwks_uri: `${issuer}/keys` } : KEY_SET));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
