// Key templates: what an object's key is made of. A job's options hold one as text; it is parsed before anything is sent.
//
//   {key}           the row's key
//   {dir} {name}    what is before its last slash, and what is behind it: {dir}/{name} is {key} again
//   {stem} {ext}    the name without its ending, and the ending with its dot: {stem}{ext} is {name} again
//   {hash}          8 hexadecimal digits: murmur3_32 of the key as the manifest has it
//   {column:NAME}   the row's column NAME
//   {{ }}           a brace
//
// `strip-prefix` and `strip-suffix` come first: all placeholders but {hash} and {column:key} see the key without them.
import { boundedList, boundedName } from '../text/bounded.ts';
import { hash32 } from './spread.ts';

/** Characters of a template: options travel in S3's user metadata, which has 2 KB in all. */
export const MAX_TEMPLATE_LENGTH = 512;

const PLACEHOLDERS = ['key', 'dir', 'name', 'stem', 'ext', 'hash'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

export const TEMPLATE_PARTS = [...PLACEHOLDERS.map((name) => `{${name}}`), '{column:NAME}'] as const;

type Part =
  | { kind: 'text'; text: string }
  | { kind: 'placeholder'; name: Placeholder }
  | { kind: 'column'; name: string };

export interface KeyTemplate {
  parts: readonly Part[];
  /** Columns that it names, each once. */
  columns: readonly string[];
}

export type ParsedTemplate =
  | { kind: 'parsed'; template: KeyTemplate }
  /** `message` names every fault, and the remedy. */
  | { kind: 'invalid'; message: string };

/** A row, as far as a template can name it. The columns that no manifest knows are in `spillway_columns`. */
export type TemplateRow = { readonly key: string } & Readonly<Record<string, unknown>>;

export interface KeyRules {
  template: KeyTemplate;
  stripPrefix: string;
  stripSuffix: string;
}

export interface TemplateFault {
  code: 'TemplateColumnMissing' | 'AffixMissing' | 'KeyEmpty';
  message: string;
}

export type MadeKey = { kind: 'key'; key: string } | { kind: 'fault'; fault: TemplateFault };

/** Braces in pairs, a placeholder, a brace alone, and the text between them. */
const TOKEN = /\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+/g;
const COLUMN = 'column:';

export function parseKeyTemplate(text: string): ParsedTemplate {
  const parts: Part[] = [];
  const faults: string[] = [];
  for (const [token, inner] of text.matchAll(TOKEN)) {
    if (inner !== undefined) {
      const part = placeholderOf(inner);
      if (typeof part === 'string') faults.push(part);
      else parts.push(part);
    } else if (token === '{' || token === '}') {
      faults.push(`a "${token}" stands alone: write "${token}${token}" for a brace`);
    } else parts.push({ kind: 'text', text: token === '{{' || token === '}}' ? token.charAt(0) : token });
  }
  if (text.length > MAX_TEMPLATE_LENGTH) {
    faults.push(`it has ${text.length} characters, and may have ${MAX_TEMPLATE_LENGTH}`);
  }
  if (faults.length === 0 && parts.every(({ kind }) => kind === 'text')) {
    faults.push('it names no part of the row, so that every row would have the same key: add {key}');
  }
  if (faults.length > 0) return { kind: 'invalid', message: boundedList(faults) };
  const columns = parts.flatMap((part) => (part.kind === 'column' ? [part.name] : []));
  return { kind: 'parsed', template: { parts, columns: [...new Set(columns)] } };
}

/** @returns the fault as text where there is no such placeholder */
function placeholderOf(inner: string): Part | string {
  const name = PLACEHOLDERS.find((each) => each === inner);
  if (name !== undefined) return { kind: 'placeholder', name };
  if (!inner.startsWith(COLUMN)) {
    return `{${boundedName(inner)}} is no placeholder: there are ${TEMPLATE_PARTS.join(', ')}, and {{ and }} for braces`;
  }
  const column = inner.slice(COLUMN.length);
  return column === '' ? '{column:} names no column: write {column:NAME}' : { kind: 'column', name: column };
}

/** The row's key under these rules, before prefix and spread. Never throws. */
export function makeKey(row: TemplateRow, { template, stripPrefix, stripSuffix }: KeyRules): MadeKey {
  const { key } = row;
  if (!key.startsWith(stripPrefix)) return affixMissing('begin', stripPrefix, 'strip-prefix');
  const rest = key.slice(stripPrefix.length);
  if (!rest.endsWith(stripSuffix)) return affixMissing('end', stripSuffix, 'strip-suffix');
  const names = splitKey(rest.slice(0, rest.length - stripSuffix.length));

  let made = '';
  let isSlashDropped = false;
  for (const part of template.parts) {
    const value = valueOfPart(part, row, names);
    if (value === undefined) return columnMissing(part);
    made += isSlashDropped && part.kind === 'text' && value.startsWith('/') ? value.slice(1) : value;
    // A key without a folder has no slash either: `{dir}/{name}` must not begin with one.
    isSlashDropped = part.kind === 'placeholder' && part.name === 'dir' && !names.isInFolder;
  }
  return made === '' ? KEY_EMPTY : { kind: 'key', key: made };
}

/** @returns undefined where it names a column that the row does not fill */
function valueOfPart(part: Part, row: TemplateRow, names: KeyNames): string | undefined {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'column':
      return columnOf(row, part.name);
    case 'placeholder':
      return part.name === 'hash' ? hash32(row.key).toString(16).padStart(8, '0') : names[part.name];
  }
}

const KEY_EMPTY = fault(
  'KeyEmpty',
  'the key is empty under the options key-template, strip-prefix and strip-suffix: change one of them',
);

function fault(code: TemplateFault['code'], message: string): MadeKey {
  return { kind: 'fault', fault: { code, message } };
}

function affixMissing(how: 'begin' | 'end', affix: string, option: string): MadeKey {
  const message = `the key does not ${how} with "${boundedName(affix)}", which the option ${option} is to remove: leave the row out, or the option`;
  return fault('AffixMissing', message);
}

function columnMissing(part: Part): MadeKey {
  const name = part.kind === 'column' ? part.name : '';
  const message = `the column "${boundedName(name)}", which the option key-template names, is empty or missing: fill it`;
  return fault('TemplateColumnMissing', message);
}

interface KeyNames extends Record<Exclude<Placeholder, 'hash'>, string> {
  /** Whether the key has a slash. */
  isInFolder: boolean;
}

/** As Node's `path.extname`: a dot at the start of a name begins no ending. */
function splitKey(key: string): KeyNames {
  const slash = key.lastIndexOf('/');
  const name = key.slice(slash + 1);
  const dot = name.lastIndexOf('.');
  const end = dot > 0 ? dot : name.length;
  return {
    key,
    dir: key.slice(0, Math.max(0, slash)),
    name,
    stem: name.slice(0, end),
    ext: name.slice(end),
    isInFolder: slash >= 0,
  };
}

/** Own properties only: a column may have the name of one that every object inherits. */
function columnOf(row: TemplateRow, name: string): string | undefined {
  const extra = row['spillway_columns'];
  const holder = typeof extra === 'object' && extra !== null && Object.hasOwn(extra, name) ? extra : row;
  if (!Object.hasOwn(holder, name)) return undefined;
  const value: unknown = (holder as Readonly<Record<string, unknown>>)[name];
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
