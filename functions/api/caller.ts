// Identifies the caller of the HTTP API. An idempotency key belongs to one caller, who may repeat a request with it.
//
// Payload 2.0 has, depending on the route's authorizer (API Gateway guide, "Create AWS Lambda proxy integrations for HTTP APIs"):
//
//   iam   the caller's ARN in `userArn`: for a role arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION, without the role's path. Users
//         of an identity pool share a role and differ in `cognitoIdentity.identityId`
//   jwt   the token's claims; `sub` is unique within its issuer `iss` (RFC 7519)
//
// The name of a session is left out: a repeated CI run has a new one. The ARN of a root user or a federated user has no session.
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

/** Parts to hash: equal for the same caller, and different for every other. */
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
