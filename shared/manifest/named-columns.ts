// Columns of formats whose values are text alone: metadata and tags have a column for each name, `metadata.NAME` and `tag.NAME`.
// NDJSON holds them as objects, `"metadata": {"NAME": …}`, which is how a row is checked, sent and reported.
import { faultOfMetadataName, faultOfTag } from '../attributes/checks.ts';

const PREFIXES = [
  ['metadata', 'metadata.'],
  ['tags', 'tag.'],
] as const;

export interface ColumnTarget {
  column: string;
  /** In which object, under which name. */
  member?: string;
}

/** Where the values of a column go. */
export function targetOf(name: string): ColumnTarget {
  const found = PREFIXES.find(([, prefix]) => name.startsWith(prefix));
  return found === undefined ? { column: name } : { column: found[0], member: name.slice(found[1].length) };
}

/** What a header calls a column: of those with several names, each by its own. */
export function headerNameOf(column: string): string {
  const prefix = PREFIXES.find(([each]) => each === column)?.[1];
  return prefix === undefined ? column : `${prefix}NAME`;
}

/** The columns whose values are objects of names and values. */
export const NAMES_COLUMNS: readonly string[] = PREFIXES.map(([column]) => column);

export function isNamedColumn(name: string): boolean {
  return PREFIXES.some(([, prefix]) => name.startsWith(prefix));
}

/** What is wrong with a column of metadata or tags; undefined for all other columns. */
export function faultOfNamedColumn(name: string): string | undefined {
  const whole = PREFIXES.find(([column]) => column === name);
  if (whole !== undefined)
    return `column ${name} holds several names: give each its own column, ${whole[1]}NAME`;
  const { column, member } = targetOf(name);
  if (member === undefined) return undefined;
  const fault = column === 'metadata' ? faultOfMetadataName(member) : faultOfTag(member, '');
  return fault === undefined ? undefined : `a column of ${column} ${fault}`;
}

/** Under which it is looked for twice: names of metadata have no case. */
export function identityOf(name: string): string {
  return targetOf(name).column === 'metadata' ? name.toLowerCase() : name;
}

/** Puts a value where its column says, by own properties alone: a member may have any name. */
export function put(record: Record<string, unknown>, { column, member }: ColumnTarget, value: unknown): void {
  if (member === undefined) {
    record[column] = value;
    return;
  }
  // Without a prototype, an assignment to __proto__ is one like any other.
  const names = (record[column] ?? Object.create(null)) as Record<string, unknown>;
  names[member] = value;
  record[column] = names;
}
