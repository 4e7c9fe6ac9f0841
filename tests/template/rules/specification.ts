// The template against AWS's own specification of its resources: names, types, enumerations, and references between them.
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { Template } from '../../helpers/package-service.ts';
import { isRecord, type Rule } from './rule.ts';

type Specification = ReturnType<typeof loadAwsServiceSpecSync>;
type SpecificResource = ReturnType<Specification['all']> extends unknown ? ReturnType<typeof lookUp> : never;
type Properties = NonNullable<SpecificResource>['properties'];
type PropertyType = Properties[string]['type'];

/** 2.6 MB that unpack to 30 MB in about a second: loaded once, when a rule asks. */
let loaded: Specification | undefined;

function lookUp(type: string) {
  loaded ??= loadAwsServiceSpecSync();
  return loaded.lookup('resource', 'cloudFormationType', 'equals', type)[0];
}

/** Whether deleting a resource of this type deletes data. */
export function holdsData(type: string): boolean {
  return lookUp(type)?.isStateful === true;
}

const INTRINSIC = /^(Ref|Fn::\w+)$/;
const isIntrinsic = (value: unknown): boolean =>
  isRecord(value) && Object.keys(value).length === 1 && INTRINSIC.test(Object.keys(value)[0] ?? '');

export const SPECIFICATION_RULES: Rule[] = [
  {
    name: 'resources are as CloudFormation specifies them',
    reason:
      'CloudFormation refuses an unknown type or property, a missing one, and a value of another type or enumeration.',
    check({ Resources }) {
      const faults: string[] = [];
      for (const [id, { Type, Properties = {} }] of Object.entries(Resources)) {
        const specified = lookUp(Type);
        if (specified === undefined) faults.push(`${id} has the unknown type ${Type}`);
        else checkProperties(Properties, specified.properties, id, faults);
      }
      return { checked: Object.keys(Resources).length, faults };
    },
  },
  {
    name: 'references name what exists',
    reason:
      'CloudFormation refuses the whole template for one reference to an unknown resource or attribute.',
    check(template) {
      const faults: string[] = [];
      const found = referencesIn(template);
      for (const { where, id, attribute } of found) {
        const target = template.Resources[id];
        if (id.startsWith('AWS::')) continue;
        if (target === undefined) faults.push(`${where} refers to ${id}, which does not exist`);
        else if (attribute !== undefined && !(attribute in (lookUp(target.Type)?.attributes ?? {}))) {
          faults.push(`${where} asks for ${id}.${attribute}, which ${target.Type} does not have`);
        }
      }
      return { checked: found.length, faults };
    },
  },
];

function checkProperties(
  given: Record<string, unknown>,
  specified: Properties,
  where: string,
  faults: string[],
): void {
  for (const [name, { required }] of Object.entries(specified)) {
    if (required === true && given[name] === undefined) faults.push(`${where} lacks ${name}`);
  }
  for (const [name, value] of Object.entries(given)) {
    const property = specified[name];
    if (property === undefined) faults.push(`${where} has the unknown property ${name}`);
    else checkType(value, property.type, `${where}.${name}`, faults);
  }
}

function checkType(value: unknown, type: PropertyType, where: string, faults: string[]): void {
  if (isIntrinsic(value)) return;
  const fault = (expected: string) => void faults.push(`${where} is ${shown(value)}, not ${expected}`);
  switch (type.type) {
    case 'string':
      if (typeof value !== 'string') fault('text');
      else if (type.allowedValues?.includes(value) === false)
        fault(`one of ${type.allowedValues.join(', ')}`);
      return;
    case 'integer':
      if (!Number.isInteger(value)) fault('a whole number');
      else if (type.allowedValues?.includes(value as number) === false) {
        fault(`one of ${type.allowedValues.join(', ')}`);
      }
      return;
    case 'number':
      if (typeof value !== 'number') fault('a number');
      return;
    case 'boolean':
      if (typeof value !== 'boolean') fault('true or false');
      return;
    case 'array':
      if (!Array.isArray(value)) fault('a list');
      else
        for (const [index, each] of value.entries())
          checkType(each, type.element, `${where}[${index}]`, faults);
      return;
    case 'map':
      if (!isRecord(value)) fault('a map');
      else
        for (const [key, each] of Object.entries(value))
          checkType(each, type.element, `${where}.${key}`, faults);
      return;
    case 'ref': {
      const definition = loaded?.get('typeDefinition', type.reference.$ref);
      if (definition === undefined) return;
      if (isRecord(value)) checkProperties(value, definition.properties, where, faults);
      else fault(`a ${definition.name}`);
      return;
    }
    case 'tag':
      if (!isRecord(value) || typeof value.Key !== 'string') fault('a tag');
      return;
    case 'union':
      checkUnion(value, type.types, where, faults);
      return;
    case 'json':
      if (!isRecord(value) && !Array.isArray(value)) fault('JSON');
      return;
    default:
      // date-time and null: not in this template, and text either way.
      if (typeof value === 'object') fault('a plain value');
  }
}

/** The faults of the member that comes nearest: those of the first, where several have as many. */
function checkUnion(value: unknown, types: PropertyType[], where: string, faults: string[]): void {
  const perMember = types.map((type) => {
    const found: string[] = [];
    checkType(value, type, where, found);
    return found;
  });
  const [nearest = []] = perMember.toSorted((one, other) => one.length - other.length);
  faults.push(...nearest);
}

interface Reference {
  where: string;
  id: string;
  attribute?: string;
}

function referencesIn({ Resources, Outputs }: Template): Reference[] {
  const found: Reference[] = [];
  const named = (where: string, name: string) => {
    const dot = name.indexOf('.');
    found.push(
      dot < 0 ? { where, id: name } : { where, id: name.slice(0, dot), attribute: name.slice(dot + 1) },
    );
  };
  const visit = (value: unknown, where: string): void => {
    if (Array.isArray(value)) value.forEach((each, index) => void visit(each, `${where}[${index}]`));
    if (!isRecord(value)) return;
    const { Ref, 'Fn::GetAtt': att, 'Fn::Sub': sub } = value;
    if (typeof Ref === 'string') named(where, Ref);
    if (Array.isArray(att)) named(where, att.join('.'));
    if (typeof sub === 'string') {
      for (const [, name = ''] of sub.matchAll(/\$\{([^!}]+)\}/g)) named(where, name);
    }
    for (const [name, inner] of Object.entries(value)) visit(inner, `${where}.${name}`);
  };
  for (const [id, { Properties, DependsOn }] of Object.entries(Resources)) {
    visit(Properties, id);
    for (const other of [DependsOn ?? []].flat()) found.push({ where: `${id}.DependsOn`, id: other });
  }
  visit(Outputs, 'Outputs');
  return found;
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? String(value);
}
