// Reads the statements of policy documents, those of the template as those of a deployed stage. Pure.
import { isRecord } from '../../shared/text/parse-json.ts';
import { isKnownOperator, type Principals, type ResourceStatement, type Statement } from './policy.ts';

/** A part of a policy that can't be evaluated here. Its message begins with the statement's Sid or place. */
export class PolicyError extends Error {}

type Raw = Readonly<Record<string, unknown>>;

const PARTS: ReadonlySet<string> = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition']);

/** The keys that requests have values of. On any other, a Deny would never hold, or always. */
const CONDITION_KEYS: ReadonlySet<string> = new Set([
  'aws:PrincipalAccount',
  'aws:PrincipalArn',
  'aws:PrincipalIsAWSService',
  'aws:ResourceAccount',
  'aws:SecureTransport',
  'aws:SourceAccount',
  'aws:SourceArn',
  'dynamodb:LeadingKeys',
  'events:detail-type',
  'events:source',
  'kms:ViaService',
  's3:prefix',
]);
/** IAM takes the names of keys in any case. */
const KEYS_BY_LOWER_CASE = new Map([...CONDITION_KEYS].map((key) => [key.toLowerCase(), key]));

/** The statements of a role's policy. @throws PolicyError */
export function readRoleStatements(document: unknown): Statement[] {
  return rawStatements(document).map((raw, place) => {
    const sid = sidOf(raw, place);
    if (raw['Effect'] !== 'Allow') throw new PolicyError(`${sid}: a role's statement has the effect Allow`);
    return readStatement(raw, sid, PARTS);
  });
}

const RESOURCE_PARTS: ReadonlySet<string> = new Set([...PARTS, 'Principal']);

/** The statements of a bucket's or queue's policy. @throws PolicyError */
export function readResourceStatements(document: unknown): ResourceStatement[] {
  return rawStatements(document).map((raw, place) => {
    const sid = sidOf(raw, place);
    const effect = raw['Effect'];
    if (effect !== 'Allow' && effect !== 'Deny')
      throw new PolicyError(`${sid}: the effect ${String(effect)} is neither Allow nor Deny`);
    return {
      sid,
      effect,
      principals: readPrincipals(raw['Principal'], sid),
      ...readStatement(raw, sid, RESOURCE_PARTS),
    };
  });
}

function rawStatements(document: unknown): Raw[] {
  const statements = isRecord(document) ? listOf(document['Statement']) : [];
  return statements.map((each) => (isRecord(each) ? each : {}));
}

function sidOf({ Sid }: Raw, place: number): string {
  return typeof Sid === 'string' ? Sid : `statement ${place + 1}`;
}

function readStatement(raw: Raw, sid: string, parts: ReadonlySet<string>): Statement {
  const unknown = Object.keys(raw).filter((key) => !parts.has(key));
  if (unknown.length > 0) throw new PolicyError(`${sid}: ${unknown.join(', ')} can't be evaluated`);
  return {
    actions: listOf(raw['Action']).map(String),
    resources: listOf(raw['Resource']).map(String),
    conditions: readConditions(raw['Condition'], sid),
  };
}

function readPrincipals(principal: unknown, sid: string): Principals {
  if (principal === '*') return { kind: 'everyone' };
  if (!isRecord(principal)) throw new PolicyError(`${sid}: a resource's statement has a Principal`);
  const { AWS, Service, ...others } = principal;
  if (Object.keys(others).length > 0)
    throw new PolicyError(`${sid}: the principal ${Object.keys(others).join(', ')} can't be evaluated`);
  const accounts = listOf(AWS).map(String);
  if (accounts.includes('*')) return { kind: 'everyone' };
  return { kind: 'listed', accounts, services: listOf(Service).map(String) };
}

function readConditions(conditions: unknown, sid: string): Statement['conditions'] {
  if (!isRecord(conditions)) return {};
  return Object.fromEntries(
    Object.entries(conditions).map(([operator, keys]) => {
      if (!isKnownOperator(operator)) throw new PolicyError(`${sid}: the operator ${operator} is not known`);
      const read = Object.entries(isRecord(keys) ? keys : {}).map(([key, values]) => {
        const known = KEYS_BY_LOWER_CASE.get(key.toLowerCase());
        if (known === undefined) throw new PolicyError(`${sid}: the condition key ${key} is not known`);
        return [known, listOf(values).map(String)];
      });
      return [operator, Object.fromEntries(read)];
    }),
  );
}

/** One value may stand for a list of one, in a template as in a policy. */
export function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
