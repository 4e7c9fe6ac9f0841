// Who calls the HTTP API, by the authorizer of the route.
import type { Clock } from '../../shared/time/clock.ts';
import type { AuthorizerModel } from '../service/model.ts';
import { createJwtAuthorizer, type JwtAuthorizer } from './jwt-authorizer.ts';

/** `iam`: every caller is let in as one local user, since the embedded cloud does not check signatures. */
export type Caller =
  | { kind: 'anonymous' }
  | { kind: 'iam' }
  | { kind: 'jwt'; claims: Record<string, string>; scopes: string[] | null };

export function createAuthorizers(dependencies: {
  fetch: typeof globalThis.fetch;
  clock: Pick<Clock, 'now'>;
}): (
  authorizer: AuthorizerModel,
  authorization: string | undefined,
) => Promise<Caller | { kind: 'refused'; challenge: string }> {
  // One for each issuer: it keeps the issuer's keys.
  const byIssuer = new Map<string, JwtAuthorizer>();
  return async (authorizer, authorization) => {
    if (authorizer.kind === 'none') return { kind: 'anonymous' };
    if (authorizer.kind === 'aws_iam') return { kind: 'iam' };
    const known = byIssuer.get(authorizer.issuer) ?? createJwtAuthorizer(dependencies, authorizer);
    byIssuer.set(authorizer.issuer, known);
    const decided = await known.authorize(authorization);
    if (decided.kind === 'refused') return decided;
    return { kind: 'jwt', claims: decided.claims, scopes: decided.scopes };
  };
}
