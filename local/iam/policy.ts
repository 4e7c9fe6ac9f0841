// Policies as the template has them, and the answer that they give to a request. Pure.
//
//   request          what a call asks for: one action on one resource, with the values of condition keys
//   caller           who asks: a role, a service of AWS for a resource of its customer, or the user of this machine
//   role             has statements that allow actions on resources, under conditions; the roles of the template deny nothing
//   resource policy  of a bucket or a queue: its statements allow or deny, and name whom
//
// AWS Identity and Access Management user guide, "Policy evaluation logic" and "IAM JSON policy elements".

export interface AccessRequest {
  /** `s3:GetObject` */
  action: string;
  /** An ARN, `*` where the action takes none. */
  resource: string;
  /** By the names of condition keys; a key without values is absent from the request. */
  context?: Context;
}

export type Context = Readonly<Record<string, readonly string[]>>;

export interface Statement {
  actions: readonly string[];
  resources: readonly string[];
  /** Operator -> key -> values, as in the policy. */
  conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export interface Role {
  /** Its logical id in the template. */
  name: string;
  arn: string;
  statements: Statement[];
}

/** `everyone` is `*`: services of AWS too. */
export type Principals =
  | { kind: 'everyone' }
  | { kind: 'listed'; accounts: readonly string[]; services: readonly string[] };

export interface ResourceStatement extends Statement {
  /** The place among the others where it has none. */
  sid: string;
  effect: 'Allow' | 'Deny';
  principals: Principals;
}

export interface ResourcePolicy {
  /** Its logical id in the template. */
  name: string;
  /** The ARNs of the buckets or queues that have it. */
  attachedTo: readonly string[];
  statements: ResourceStatement[];
}

export type Caller =
  /** A role, or a user of this account. */
  | { kind: 'principal'; arn: string }
  /** `s3.amazonaws.com`, for the bucket, topic or rule of `sourceArn`. */
  | { kind: 'service'; service: string; sourceArn: string; sourceAccount: string };

export type Judgement =
  | { kind: 'denied'; by: ResourceStatement }
  | { kind: 'allowed'; place: number }
  /** No statement is for this request. */
  | { kind: 'silent' };

export const SILENT: Judgement = { kind: 'silent' };

/**
 * What a request says of its caller, by the names of condition keys.
 *
 * `aws:SecureTransport` is true of all: functions and services reach AWS by TLS, and a user's clients do by default. Here they
 * speak plain HTTP on loopback, which has no certificate: with false, policies that take TLS only would deny everything.
 */
export function contextOf(caller: Caller): Context {
  const always = { 'aws:SecureTransport': ['true'] };
  if (caller.kind === 'service') {
    const { sourceArn, sourceAccount } = caller;
    return {
      ...always,
      'aws:PrincipalIsAWSService': ['true'],
      'aws:SourceArn': [sourceArn],
      'aws:SourceAccount': [sourceAccount],
    };
  }
  return {
    ...always,
    'aws:PrincipalIsAWSService': ['false'],
    'aws:PrincipalArn': [caller.arn],
    'aws:PrincipalAccount': [accountOf(caller.arn)],
  };
}

/** @returns the first statement that allows the request, by its place in the role; undefined where none does */
export function allowingStatement({ statements }: Role, request: AccessRequest): number | undefined {
  const place = statements.findIndex((statement) => covers(statement, request));
  return place < 0 ? undefined : place;
}

/** What a resource's policy says to a request, whose context has that of its caller. An explicit Deny outweighs every Allow. */
export function judge(
  statements: readonly ResourceStatement[],
  caller: Caller,
  request: AccessRequest,
): Judgement {
  const isOf = (statement: ResourceStatement) =>
    names(statement.principals, caller) && covers(statement, request);
  const by = statements.find((each) => each.effect === 'Deny' && isOf(each));
  if (by !== undefined) return { kind: 'denied', by };
  const place = statements.findIndex((each) => each.effect === 'Allow' && isOf(each));
  return place < 0 ? SILENT : { kind: 'allowed', place };
}

function names(principals: Principals, caller: Caller): boolean {
  if (principals.kind === 'everyone') return true;
  if (caller.kind === 'service') return principals.services.includes(caller.service);
  const account = accountOf(caller.arn);
  return principals.accounts.some(
    (each) => each === caller.arn || each === account || each.endsWith(`:iam::${account}:root`),
  );
}

function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

/** Whether a statement is for the request. */
export function covers({ actions, resources, conditions }: Statement, request: AccessRequest): boolean {
  return (
    actions.some((pattern) => matches(pattern.toLowerCase(), request.action.toLowerCase())) &&
    resources.some((pattern) => matches(pattern, request.resource)) &&
    Object.entries(conditions).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => holds(operator, wanted, request.context?.[key] ?? [])),
    )
  );
}

type Test = (given: string, wanted: string) => boolean;

const isSame: Test = (given, wanted) => given === wanted;
const isLike: Test = (given, wanted) => matches(wanted, given);

const TESTS: Readonly<Record<string, Test>> = {
  StringEquals: isSame,
  StringLike: isLike,
  ArnEquals: isLike,
  ArnLike: isLike,
  Bool: (given, wanted) => given.toLowerCase() === wanted.toLowerCase(),
};

const NEGATED_TESTS: Readonly<Record<string, Test>> = {
  StringNotEquals: isSame,
  StringNotLike: isLike,
  ArnNotEquals: isLike,
  ArnNotLike: isLike,
};

const FOR_ALL = 'ForAllValues:';

/** Those that `holds` knows. With "for all", a negated operator would need its own rule. */
export function isKnownOperator(operator: string): boolean {
  if (Object.hasOwn(NEGATED_TESTS, operator)) return true;
  return Object.hasOwn(TESTS, operator.startsWith(FOR_ALL) ? operator.slice(FOR_ALL.length) : operator);
}

/** @throws where the operator is none of those that the template uses: nothing may be allowed by a guess */
function holds(operator: string, wanted: readonly string[], given: readonly string[]): boolean {
  if (!isKnownOperator(operator))
    throw new Error(`the embedded cloud does not know the condition operator ${operator}`);
  const negated = NEGATED_TESTS[operator];
  // As on AWS: a negated condition holds of a key that is absent.
  if (negated !== undefined) return !given.some((value) => wanted.some((each) => negated(value, each)));
  const isForAll = operator.startsWith(FOR_ALL);
  const test = TESTS[isForAll ? operator.slice(FOR_ALL.length) : operator] ?? isSame;
  const fits = (value: string) => wanted.some((each) => test(value, each));
  // As on AWS: without any value, "for all" holds, and every other condition does not.
  return isForAll ? given.every(fits) : given.some(fits);
}

/** `*` stands for any characters, line breaks among them, `?` for one. */
export function matches(pattern: string, text: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === text;
  let compiled = PATTERNS.get(pattern);
  if (compiled === undefined) {
    const source = pattern
      .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
      .replace(/\*+/g, '.*')
      .replaceAll('?', '.');
    compiled = new RegExp(`^${source}$`, 'su');
    PATTERNS.set(pattern, compiled);
  }
  return compiled.test(text);
}

/** Those of the policies alone: their number is the template's. */
const PATTERNS = new Map<string, RegExp>();
