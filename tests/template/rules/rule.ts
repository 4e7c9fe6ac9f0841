// A rule that the packaged template keeps: a name, why, and a pure check that says what breaks it.
import type { Resource, Template } from '../../helpers/package-service.ts';

export interface Rule {
  name: string;
  /** What happens on AWS where it is broken. */
  reason: string;
  check(template: Template): Verdict;
}

export interface Verdict {
  /** What it looked at. A rule that looks at nothing proves nothing, so the test refuses zero. */
  checked: number;
  /** One sentence each, with the logical id. */
  faults: string[];
}

/** Resources that a rule leaves out, each with the reason, by logical id. */
export type Exceptions = Readonly<Record<string, string>>;

export type Typed = [id: string, resource: Resource];

export function resourcesOf({ Resources }: Template, ...types: string[]): Typed[] {
  return Object.entries(Resources).filter(([, { Type }]) => types.includes(Type));
}

/**
 * Checks resources one by one. An exception for a resource that keeps the rule, or does not exist, is a fault itself.
 * @param faultOf undefined for a resource that keeps the rule
 */
export function checkEach(
  resources: Typed[],
  faultOf: (resource: Resource, id: string) => string | undefined,
  exceptions: Exceptions = {},
): Verdict {
  const found = new Map(resources.map(([id, resource]) => [id, faultOf(resource, id)]));
  const broken = [...found].filter(([, fault]) => fault !== undefined);
  return {
    checked: resources.length - Object.keys(exceptions).length,
    faults: [
      ...broken.filter(([id]) => exceptions[id] === undefined).map(([id, fault]) => `${id} ${fault}`),
      ...Object.keys(exceptions)
        .filter((id) => found.get(id) === undefined)
        .map((id) => `${id} is an exception that is not needed`),
    ],
  };
}

export function merged(...verdicts: Verdict[]): Verdict {
  return {
    checked: verdicts.reduce((sum, { checked }) => sum + checked, 0),
    faults: verdicts.flatMap(({ faults }) => faults),
  };
}

export interface Statement {
  Sid?: string;
  Effect: string;
  Principal?: unknown;
  Action?: string | string[];
  NotAction?: unknown;
  Resource?: string | string[];
  NotResource?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

export interface PolicyDocument {
  Statement: Statement[];
}

export const listed = <Value>(value: Value | Value[] | undefined): Value[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
