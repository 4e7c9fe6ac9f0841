// Who calls the HTTP API, by the authorizer of the route.
import type { Clock } from '../../shared/time/clock.ts';
import type { AuthorizerModel } from '../service/model.ts';
import { createIamAuthorizer, type SignedRequest } from './iam-authorizer.ts';
import { createJwtAuthorizer, type JwtAuthorizer } from './jwt-authorizer.ts';

export type Caller =
  | { kind: 'anonymous' }
  | { kind: 'iam' }
  | { kind: 'jwt'; claims: Record<string, string>; scopes: string[] | null };

/** `challenge` is the value of WWW-Authenticate; IAM has none. */
export type Refusal = { kind: 'refused'; status: 401 | 403; challenge?: string };

/** Whom IAM lets in: every caller as one local user, or only those whose signature is right, as on AWS. */
export type IamCallers = 'any' | 'signed';

/** API Gateway takes as many authorizers for one API ("Quotas for HTTP APIs"). */
const MAX_AUTHORIZERS = 10;

export interface AuthorizerDependencies {
  fetch: typeof globalThis.fetch;
  clock: Pick<Clock, 'now'>;
  log: (line: string) => void;
}

export function createAuthorizers(
  dependencies: AuthorizerDependencies,
  { region, iamCallers }: { region: string; iamCallers: IamCallers },
): (authorizer: AuthorizerModel, request: SignedRequest) => Promise<Caller | Refusal> {
  const iam = createIamAuthorizer(dependencies, { region });
  // By all that decides of a token. Each keeps the keys of its issuer.
  const kept = new Map<string, JwtAuthorizer>();

  function jwtAuthorizerOf({ issuer, audiences }: AuthorizerModel & { kind: 'jwt' }): JwtAuthorizer {
    const id = JSON.stringify([issuer, ...audiences]);
    const known = kept.get(id) ?? createJwtAuthorizer(dependencies, { issuer, audiences });
    kept.delete(id);
    kept.set(id, known);
    const [longestUnused = id] = kept.keys();
    if (kept.size > MAX_AUTHORIZERS) kept.delete(longestUnused);
    return known;
  }

  return async (authorizer, request) => {
    if (authorizer.kind === 'none') return { kind: 'anonymous' };
    if (authorizer.kind === 'aws_iam')
      return iamCallers === 'any' || iam.isSigned(request)
        ? { kind: 'iam' }
        : { kind: 'refused', status: 403 };
    const decided = await jwtAuthorizerOf(authorizer).authorize(request.headers['authorization']);
    if (decided.kind === 'refused') return { ...decided, status: 401 };
    const { claims, scopes } = decided;
    const needed = authorizer.scopes;
    if (needed.length > 0 && !needed.some((scope) => scopes?.includes(scope))) {
      const description = 'the token does not have any of the required scopes';
      const challenge = `Bearer scope="${needed.join(' ')}" error="insufficient_scope" error_description="${description}"`;
      return { kind: 'refused', status: 403, challenge };
    }
    return { kind: 'jwt', claims, scopes };
  };
}
