// The policies of execution roles, as the template has them, and the answer that they give to a request. Pure.
//
//   request     what a call asks for: one action on one resource, with the values of condition keys
//   statement   allows actions on resources, under conditions; the roles of the template deny nothing
//
// AWS Identity and Access Management user guide, "Policy evaluation logic" and "IAM JSON policy elements".

export interface AccessRequest {
  /** `s3:GetObject` */
  action: string;
  /** An ARN, `*` where the action takes none. */
  resource: string;
  /** By the names of condition keys; a key without values is absent from the request. */
  context?: Readonly<Record<string, readonly string[]>>;
}

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

/** @returns the first statement that allows the request, by its place in the role; undefined where none does */
export function allowingStatement({ statements }: Role, request: AccessRequest): number | undefined {
  const place = statements.findIndex((statement) => allows(statement, request));
  return place < 0 ? undefined : place;
}

function allows({ actions, resources, conditions }: Statement, request: AccessRequest): boolean {
  return (
    actions.some((pattern) => matches(pattern.toLowerCase(), request.action.toLowerCase())) &&
    resources.some((pattern) => matches(pattern, request.resource)) &&
    Object.entries(conditions).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => holds(operator, wanted, request.context?.[key] ?? [])),
    )
  );
}

type Test = (given: string, wanted: string) => boolean;

const TESTS: Readonly<Record<string, Test>> = {
  StringEquals: (given, wanted) => given === wanted,
  StringLike: (given, wanted) => matches(wanted, given),
  ArnEquals: (given, wanted) => matches(wanted, given),
  ArnLike: (given, wanted) => matches(wanted, given),
  Bool: (given, wanted) => given.toLowerCase() === wanted.toLowerCase(),
};

const FOR_ALL = 'ForAllValues:';

/** @throws where the operator is none of those that the template uses: nothing may be allowed by a guess */
function holds(operator: string, wanted: readonly string[], given: readonly string[]): boolean {
  const isForAll = operator.startsWith(FOR_ALL);
  const name = isForAll ? operator.slice(FOR_ALL.length) : operator;
  const test = TESTS[name];
  if (test === undefined)
    throw new Error(`the embedded cloud does not know the condition operator ${operator}`);
  const fits = (value: string) => wanted.some((each) => test(value, each));
  // As on AWS: without any value, "for all" holds, and every other condition does not.
  return isForAll ? given.every(fits) : given.length > 0 && given.some(fits);
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

/** Why a request is denied, in AWS's words. */
export function denialText({ arn }: Role, { action, resource }: AccessRequest): string {
  return `User: ${arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/local is not authorized to perform: ${action} on resource: "${resource}" because no identity-based policy allows the ${action} action`;
}
