// Decides about requests by roles and by the policies of buckets and queues, and records which permission each used.
//
// A function signs with an access key that names its role, and so do Lambda's pollers, which act under the role of their function.
// Any other key is that of the user of this machine: an administrator, who may do all that no policy denies explicitly.
import {
  type AccessRequest,
  allowingStatement,
  type Caller,
  type Context,
  contextOf,
  covers,
  type Judgement,
  judge,
  type ResourcePolicy,
  type Role,
  SILENT,
  type Statement,
} from './policy.ts';

/** How often a permission was used. */
export interface PermissionUse {
  /** The role, or the policy of a resource, by its logical id. */
  role: string;
  /** Place of the statement in it. */
  statement: number;
  action: string;
  uses: number;
  /** Whether a request was allowed by this statement alone: without it, that request would be denied. */
  isNeeded: boolean;
}

export interface Denial {
  /** The role, or the service of AWS, as `s3.amazonaws.com`, or `user`. */
  role: string;
  action: string;
  resource: string;
  times: number;
}

export interface AccessRecord {
  used: PermissionUse[];
  denied: Denial[];
}

export type ServiceCaller = Extract<Caller, { kind: 'service' }>;

export interface Authorizer {
  /** Whether the request comes from a role. */
  isOfRole(authorization: string | undefined): boolean;
  /** Whether any policy could deny requests of this sender. If not, the permissions that they need are not computed. */
  isChecked(authorization: string | undefined): boolean;
  /** @returns why the first of the requests that is not allowed is denied; undefined where all are allowed */
  deny(authorization: string | undefined, requests: readonly AccessRequest[]): string | undefined;
  /** The same of a request of a service of AWS: the policy of the resource has to allow it. */
  denyService(service: ServiceCaller, request: AccessRequest): string | undefined;
  record(): AccessRecord;
}

const KEY_OF_ROLE = 'role-';
/**
 * The key of AWS's own services where no policy decides, as when Lambda moves the message of a loop. Tests use it for what AWS
 * would refuse: forged messages and orders.
 */
export const KEY_OF_AWS = 'aws';
/** Denials that are kept: a job of a million rows may be denied a million times. */
const MAX_DENIALS = 1000;
const USER = 'user';

/** The access key under which a role's requests are signed. */
export function accessKeyOf(roleName: string): string {
  return `${KEY_OF_ROLE}${roleName}`;
}

/** Who asks, with what all requests of that caller have in common. */
interface Sender {
  name: string;
  caller: Caller;
  context: Context;
  role: Role | undefined;
}

const senderOf = (name: string, caller: Caller, role?: Role): Sender => ({
  name,
  caller,
  context: contextOf(caller),
  role,
});

/** @param policies of buckets and queues; undefined: none is evaluated, and services may do everything */
export function createAuthorizer(
  roles: readonly Role[],
  { policies, accountId = '' }: { policies?: readonly ResourcePolicy[] | undefined; accountId?: string } = {},
): Authorizer {
  const byKey = new Map(
    roles.map((role) => [
      accessKeyOf(role.name),
      senderOf(role.name, { kind: 'principal', arn: role.arn }, role),
    ]),
  );
  const user = senderOf(USER, { kind: 'principal', arn: `arn:aws:iam::${accountId}:user/local` });
  const byResource = new Map(
    (policies ?? []).flatMap((policy) => policy.attachedTo.map((arn) => [arn, policy] as const)),
  );
  const uses = new Map<Statement, Map<string, PermissionUse>>();
  const denials = new Map<string, Denial>();

  /** Undefined of a sender to whom nothing is denied. */
  const find = (authorization: string | undefined): Sender | undefined => {
    const key = /Credential=([^/]+)\//.exec(authorization ?? '')?.[1] ?? '';
    return byKey.get(key) ?? (byResource.size === 0 || key === KEY_OF_AWS ? undefined : user);
  };
  /** An object has the policy of its bucket. */
  const policyOf = ({ resource }: AccessRequest): ResourcePolicy | undefined => {
    const slashAt = resource.indexOf('/');
    return byResource.get(slashAt < 0 ? resource : resource.slice(0, slashAt));
  };

  function use(
    { name, statements }: Role | ResourcePolicy,
    place: number,
    action: string,
    isOnly: () => boolean,
  ): void {
    const statement = statements[place] as Statement;
    const byAction = uses.get(statement) ?? new Map<string, PermissionUse>();
    const known = byAction.get(action) ?? { role: name, statement: place, action, uses: 0, isNeeded: false };
    known.uses += 1;
    known.isNeeded ||= isOnly();
    if (known.uses === 1) uses.set(statement, byAction.set(action, known));
  }

  function note({ name }: Sender, { action, resource }: AccessRequest): void {
    const id = `${name} ${action} ${resource}`;
    const known = denials.get(id) ?? { role: name, action, resource, times: 0 };
    known.times += 1;
    if (denials.has(id) || denials.size < MAX_DENIALS) denials.set(id, known);
  }

  /** An explicit Deny of the resource decides first. Then the role or the resource has to allow; for a service, the resource. */
  function refuse(sender: Sender, asked: AccessRequest): string | undefined {
    const { action, resource } = asked;
    const request = { action, resource, context: { ...sender.context, ...asked.context } };
    const policy = policyOf(request);
    const judged = policy === undefined ? SILENT : judge(policy.statements, sender.caller, request);
    if (judged.kind !== 'denied' && isAllowed(sender, request, judged, policy)) return undefined;
    note(sender, request);
    return denialText(sender.caller, request, judged, policy);
  }

  function isAllowed(
    { caller, role }: Sender,
    request: AccessRequest,
    judged: Judgement,
    policy: ResourcePolicy | undefined,
  ): boolean {
    const { action } = request;
    const place = role === undefined ? undefined : allowingStatement(role, request);
    if (role !== undefined && place !== undefined) {
      const isOnly = () =>
        judged.kind === 'silent' && !role.statements.slice(place + 1).some((each) => covers(each, request));
      use(role, place, action, isOnly);
    }
    if (policy !== undefined && judged.kind === 'allowed') {
      const later = () =>
        policy.statements.slice(judged.place + 1).filter(({ effect }) => effect === 'Allow');
      const isOnly = () => place === undefined && judge(later(), caller, request).kind === 'silent';
      use(policy, judged.place, action, isOnly);
    }
    const isUser = caller.kind === 'principal' && role === undefined;
    return isUser || place !== undefined || judged.kind === 'allowed';
  }

  return {
    isOfRole: (authorization) => find(authorization)?.role !== undefined,
    isChecked: (authorization) => find(authorization) !== undefined,
    deny(authorization, requests) {
      const sender = find(authorization);
      if (sender === undefined) return undefined;
      for (const request of requests) {
        const refusal = refuse(sender, request);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    },
    denyService: (service, request) =>
      policies === undefined ? undefined : refuse(senderOf(service.service, service), request),
    record: () => ({
      used: [...uses.values()].flatMap((each) => [...each.values()]),
      denied: [...denials.values()],
    }),
  };
}

/** Why a request is denied, in AWS's words. The statement, which AWS does not name, is added at the end. */
function denialText(
  caller: Caller,
  { action, resource }: AccessRequest,
  judged: Judgement,
  policy: ResourcePolicy | undefined,
): string {
  const who =
    caller.kind === 'service'
      ? `Service: ${caller.service} for ${caller.sourceArn}`
      : `User: ${sessionArn(caller.arn)}`;
  const what = `${who} is not authorized to perform: ${action} on resource: "${resource}"`;
  if (judged.kind === 'denied')
    return `${what} with an explicit deny in a resource-based policy: ${policy?.name ?? ''} ${judged.by.sid}`;
  const kind = caller.kind === 'service' ? 'resource' : 'identity';
  return `${what} because no ${kind}-based policy allows the ${action} action`;
}

/** Of a role, that of its session. */
function sessionArn(arn: string): string {
  return arn.includes(':role/')
    ? `${arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/local`
    : arn;
}
