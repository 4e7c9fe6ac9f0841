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
  const isService = caller.kind === 'service';
  return {
    'aws:SecureTransport': ['true'],
    'aws:PrincipalIsAWSService': [String(isService)],
    ...(isService
      ? { 'aws:SourceArn': [caller.sourceArn], 'aws:SourceAccount': [caller.sourceAccount] }
      : { 'aws:PrincipalArn': [caller.arn], 'aws:PrincipalAccount': [accountOf(caller.arn)] }),
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
export function covers(statement: Statement, request: AccessRequest): boolean {
  let test = TESTS_OF_STATEMENTS.get(statement);
  if (test === undefined) {
    test = testOf(statement);
    TESTS_OF_STATEMENTS.set(statement, test);
  }
  return test(request);
}

type RequestTest = (request: AccessRequest) => boolean;

/** Each statement is compiled once: a run of a million copies asks for four permissions a copy. */
const TESTS_OF_STATEMENTS = new WeakMap<Statement, RequestTest>();

/** @throws where it does not know an operator: nothing may be allowed by a guess */
function testOf({ actions, resources, conditions }: Statement): RequestTest {
  const isAction = anyOf(actions.map((pattern) => isLike(pattern.toLowerCase())));
  const isResource = anyOf(resources.map(isLike));
  const tests = Object.entries(conditions).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, wanted]) => conditionTest(operator, key, wanted)),
  );
  // Most statements are for other resources.
  return (request) =>
    isResource(request.resource) &&
    isAction(request.action.toLowerCase()) &&
    tests.every((holds) => holds(request));
}

type TextTest = (text: string) => boolean;

function anyOf(tests: readonly TextTest[]): TextTest {
  return (text) => tests.some((test) => test(text));
}

const isSame =
  (wanted: string): TextTest =>
  (given) =>
    given === wanted;
const isSameInAnyCase = (wanted: string): TextTest => {
  const lower = wanted.toLowerCase();
  return (given) => given.toLowerCase() === lower;
};

const OPERATORS = new Map([
  ['StringEquals', isSame],
  ['StringLike', isLike],
  ['ArnEquals', isLike],
  ['ArnLike', isLike],
  ['Bool', isSameInAnyCase],
]);

const NEGATED_OPERATORS = new Map([
  ['StringNotEquals', isSame],
  ['StringNotLike', isLike],
  ['ArnNotEquals', isLike],
  ['ArnNotLike', isLike],
]);

const FOR_ALL = 'ForAllValues:';

/** Those that can be evaluated. With "for all", a negated operator would need its own rule. */
export function isKnownOperator(operator: string): boolean {
  return NEGATED_OPERATORS.has(operator) || OPERATORS.has(withoutForAll(operator));
}

function withoutForAll(operator: string): string {
  return operator.startsWith(FOR_ALL) ? operator.slice(FOR_ALL.length) : operator;
}

function conditionTest(operator: string, key: string, wanted: readonly string[]): RequestTest {
  const negated = NEGATED_OPERATORS.get(operator);
  const test = negated ?? OPERATORS.get(withoutForAll(operator));
  if (test === undefined)
    throw new Error(`the embedded cloud does not know the condition operator ${operator}`);
  const fits = anyOf(wanted.map(test));
  const valuesOf = ({ context }: AccessRequest) => context?.[key] ?? [];
  // As on AWS: a negated condition holds of a key that is absent.
  if (negated !== undefined) return (request) => !valuesOf(request).some(fits);
  // As on AWS: without any value, "for all" holds, and every other condition does not.
  return operator.startsWith(FOR_ALL)
    ? (request) => valuesOf(request).every(fits)
    : (request) => valuesOf(request).some(fits);
}

/** `*` stands for any characters, line breaks among them, `?` for one. */
function isLike(pattern: string): TextTest {
  if (!/[*?]/.test(pattern)) return isSame(pattern);
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  const compiled = new RegExp(`^${source}$`, 'su');
  return (text) => compiled.test(text);
}
