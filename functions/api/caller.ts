// Who sent a request to the HTTP API, as far as it is the same caller that may repeat it: what an idempotency key is a key of.
//
// Payload 2.0 gives, by the route's authorizer (API Gateway guide, "Create AWS Lambda proxy integrations for HTTP APIs"):
//
//   iam   the caller's ARN in `userArn`: of a role it is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION, without the role's path;
//         of users of an identity pool, who share a role, `cognitoIdentity.identityId` tells them apart
//   jwt   the token's claims; `sub` is unique within its issuer `iss` (RFC 7519)
//
// A session's name is left out: a CI run that is repeated has another one. What is signed by a root user or a federated user has
// an ARN without a session.
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

interface Authorizer {
  iam?: {
    accountId?: string | null;
    userArn?: string | null;
    cognitoIdentity?: { identityId?: string | null } | null;
  } | null;
  jwt?: { claims?: Readonly<Record<string, unknown>> } | null;
}

/** arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION; neither name holds a slash. */
const ASSUMED_ROLE = /^arn:[^:]+:sts::(\d+):assumed-role\/([^/]+)\//;

/** Parts to be hashed: the same for the same caller, and for no other. */
export function callerOf({ requestContext }: APIGatewayProxyEventV2): readonly string[] {
  const { iam, jwt } = (requestContext as { authorizer?: Authorizer | null }).authorizer ?? {};
  if (iam?.userArn) {
    const [, account, role] = ASSUMED_ROLE.exec(iam.userArn) ?? [];
    const identity = iam.cognitoIdentity?.identityId;
    if (account === undefined || role === undefined) return ['arn', iam.userArn];
    return identity ? ['identity', account, role, identity] : ['role', account, role];
  }
  const { iss, sub } = jwt?.claims ?? {};
  if (typeof iss === 'string' && typeof sub === 'string') return ['jwt', iss, sub];
  const account = iam?.accountId ?? requestContext.accountId;
  return account ? ['account', account] : ['anonymous'];
}
