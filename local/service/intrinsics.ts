// Evaluates the CloudFormation intrinsic functions of serverless.yml. An unknown one is an error that names its place.
import { ServiceModelError } from './model.ts';

export interface TemplateScope {
  /** Value of Ref, also for pseudo parameters; undefined for an unknown logical id. */
  ref(logicalId: string): unknown;
  /** Value of Fn::GetAtt; undefined for an unknown resource or attribute. */
  attribute(logicalId: string, attribute: string): string | undefined;
  /** The Conditions of the template, not evaluated. */
  conditions: Record<string, unknown>;
}

type Evaluate = (argument: unknown, where: string, scope: TemplateScope) => unknown;

const functions: Record<string, Evaluate> = {
  Ref: (id, where, scope) => reference(String(id), where, scope),
  'Fn::GetAtt': (argument, where, scope) => {
    const [id, attribute] = typeof argument === 'string' ? splitOnce(argument) : pair(argument, where);
    return attributeOf(String(id), String(evaluate(attribute, where, scope)), where, scope);
  },
  'Fn::Sub': (argument, where, scope) => {
    const [text, own] = typeof argument === 'string' ? [argument, {}] : pair(argument, where);
    const variables = evaluate(own, where, scope) as Record<string, unknown>;
    return String(text).replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal !== '') return `\${${name}}`;
      const trimmed = name.trim();
      if (Object.hasOwn(variables, trimmed)) return String(variables[trimmed]);
      if (!trimmed.includes('.')) return String(reference(trimmed, where, scope));
      return attributeOf(...splitOnce(trimmed), where, scope);
    });
  },
  'Fn::Join': (argument, where, scope) => {
    const [separator, parts] = pair(argument, where);
    const values = evaluate(parts, where, scope);
    if (!Array.isArray(values)) throw new ServiceModelError(where, 'Fn::Join wants a list');
    return values.join(String(separator));
  },
  'Fn::Select': (argument, where, scope) => {
    const [index, list] = pair(argument, where);
    const values = evaluate(list, where, scope);
    if (!Array.isArray(values)) throw new ServiceModelError(where, 'Fn::Select wants a list');
    return values[Number(evaluate(index, where, scope))];
  },
  'Fn::Split': (argument, where, scope) => {
    const [separator, text] = pair(argument, where);
    return String(evaluate(text, where, scope)).split(String(separator));
  },
  'Fn::If': (argument, where, scope) => {
    if (!Array.isArray(argument) || argument.length !== 3)
      throw new ServiceModelError(where, 'Fn::If wants three values');
    return evaluate(argument[holds(String(argument[0]), where, scope) ? 1 : 2], where, scope);
  },
  'Fn::Equals': (argument, where, scope) => {
    const [left, right] = pair(evaluate(argument, where, scope), where);
    return String(left) === String(right);
  },
  'Fn::Not': (argument, where, scope) => !all(argument, where, scope)[0],
  'Fn::And': (argument, where, scope) => all(argument, where, scope).every(Boolean),
  'Fn::Or': (argument, where, scope) => all(argument, where, scope).some(Boolean),
  Condition: (name, where, scope) => holds(String(name), where, scope),
};

/** Evaluates every intrinsic in the value, and leaves out properties whose value is `AWS::NoValue`. */
export function evaluate(value: unknown, where: string, scope: TemplateScope): unknown {
  if (Array.isArray(value)) {
    return value
      .map((entry, index) => evaluate(entry, `${where}[${index}]`, scope))
      .filter((entry) => entry !== undefined);
  }
  if (typeof value === 'string') return substitutePseudo(value, scope);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [name, argument] = entries[0] ?? [];
  if (entries.length === 1 && name !== undefined) {
    const known = functions[name];
    // In a policy statement `Condition` is an object; as an intrinsic it is the name of a condition.
    if (known !== undefined && (name !== 'Condition' || typeof argument === 'string'))
      return known(argument, where, scope);
    if (name.startsWith('Fn::'))
      throw new ServiceModelError(where, `the embedded cloud does not know ${name}`);
  }
  const evaluated = entries.map(([key, entry]) => [key, evaluate(entry, `${where}.${key}`, scope)] as const);
  return Object.fromEntries(evaluated.filter(([, entry]) => entry !== undefined));
}

/** @returns whether the named condition of the template is true */
export function holds(name: string, where: string, scope: TemplateScope): boolean {
  if (!Object.hasOwn(scope.conditions, name))
    throw new ServiceModelError(where, `there is no condition ${name}`);
  return Boolean(evaluate(scope.conditions[name], `resources.Conditions.${name}`, scope));
}

/** osls makes a Fn::Sub of every string with a pseudo parameter, such as `inbox-${AWS::AccountId}`. */
function substitutePseudo(text: string, scope: TemplateScope): string {
  return text.replace(/\$\{(AWS::\w+)\}/g, (literal, name: string) => String(scope.ref(name) ?? literal));
}

function reference(id: string, where: string, scope: TemplateScope): unknown {
  if (id === 'AWS::NoValue') return undefined;
  const value = scope.ref(id);
  if (value === undefined)
    throw new ServiceModelError(where, `Ref to ${id}, which the template does not have`);
  return value;
}

function attributeOf(id: string, attribute: string, where: string, scope: TemplateScope): string {
  const value = scope.attribute(id, attribute);
  if (value === undefined) {
    throw new ServiceModelError(where, `the embedded cloud does not know Fn::GetAtt ${id}.${attribute}`);
  }
  return value;
}

function all(argument: unknown, where: string, scope: TemplateScope): unknown[] {
  const values = evaluate(argument, where, scope);
  return Array.isArray(values) ? values : [values];
}

function pair(argument: unknown, where: string): [unknown, unknown] {
  if (!Array.isArray(argument) || argument.length !== 2)
    throw new ServiceModelError(where, 'two values expected');
  return [argument[0], argument[1]];
}

function splitOnce(text: string): [string, string] {
  const dot = text.indexOf('.');
  return dot < 0 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
}
