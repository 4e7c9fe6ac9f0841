// Decides about the requests that the functions send, by their roles, and records which permission each used.
//
// A function signs with an access key that names its role, and so do Lambda's pollers, which act under the role of their function.
// Requests with any other key are those of the user of this machine: nothing is denied to them.
import { type AccessRequest, allowingStatement, denialText, type Role } from './policy.ts';

/** How often a permission was used. */
export interface PermissionUse {
  role: string;
  /** Place of the statement in its role. */
  statement: number;
  action: string;
  uses: number;
}

export interface Denial {
  role: string;
  action: string;
  resource: string;
  times: number;
}

export interface AccessRecord {
  used: PermissionUse[];
  denied: Denial[];
}

export interface Authorizer {
  /** Whether the request comes from a role; that of others needs no look. */
  isOfRole(authorization: string | undefined): boolean;
  /** @returns why the first of the requests that is not allowed is denied; undefined where all are allowed */
  deny(authorization: string | undefined, requests: readonly AccessRequest[]): string | undefined;
  /** Whether a role may do more; neither recorded nor denied. */
  may(authorization: string | undefined, request: AccessRequest): boolean;
  record(): AccessRecord;
}

const KEY_OF_ROLE = 'role-';
/** Denials that are kept: a job of a million rows may be denied a million times. */
const MAX_DENIALS = 1000;

/** The access key under which a role's requests are signed. */
export function accessKeyOf(roleName: string): string {
  return `${KEY_OF_ROLE}${roleName}`;
}

export function createAuthorizer(roles: readonly Role[]): Authorizer {
  const byKey = new Map(roles.map((role) => [accessKeyOf(role.name), role]));
  const uses = new Map<string, PermissionUse>();
  const denials = new Map<string, Denial>();

  const roleOf = (authorization: string | undefined): Role | undefined => {
    const key = /Credential=([^/]+)\//.exec(authorization ?? '')?.[1];
    return key === undefined ? undefined : byKey.get(key);
  };

  function use({ name }: Role, statement: number, action: string): void {
    const id = `${name} ${statement} ${action}`;
    const known = uses.get(id) ?? { role: name, statement, action, uses: 0 };
    known.uses += 1;
    uses.set(id, known);
  }

  function note({ name }: Role, { action, resource }: AccessRequest): void {
    const id = `${name} ${action} ${resource}`;
    const known = denials.get(id) ?? { role: name, action, resource, times: 0 };
    known.times += 1;
    if (denials.has(id) || denials.size < MAX_DENIALS) denials.set(id, known);
  }

  return {
    isOfRole: (authorization) => roleOf(authorization) !== undefined,
    deny(authorization, requests) {
      const role = roleOf(authorization);
      if (role === undefined) return undefined;
      for (const request of requests) {
        const statement = allowingStatement(role, request);
        if (statement === undefined) {
          note(role, request);
          return denialText(role, request);
        }
        use(role, statement, request.action);
      }
      return undefined;
    },
    may(authorization, request) {
      const role = roleOf(authorization);
      if (role === undefined) return true;
      const statement = allowingStatement(role, request);
      if (statement === undefined) note(role, request);
      else use(role, statement, request.action);
      return statement !== undefined;
    },
    record: () => ({ used: [...uses.values()], denied: [...denials.values()] }),
  };
}
