// Reads a job file: `*.job.json`, `*.job.yaml` or `*.job.yml` in the inbox, in the place of a manifest.
//
//   { "manifest": "_lists/objects.csv", "options": { "spread": "hex:2" } }
//
// `manifest` is s3://INBOX/KEY, or a key relative to the file's folder; both take `?versionId=ID` at the end. Every value is
// text as it is written: YAML's `no` is "no" and `1e3` is "1e3", and the options say what they take.
import { isUtf8 } from 'node:buffer';
import { type Document, isScalar, LineCounter, parseDocument, visit, type YAMLError } from 'yaml';
import { MAX_KEY_BYTES } from '../keys/destination.ts';
import { boundedName, boundedNames, boundedText } from '../text/bounded.ts';
import { isRecord } from '../text/parse-json.ts';
import { visibleText } from '../text/visible.ts';
import { namedJobId } from './identity.ts';

/** Of a job file. Options have 2 KB where they are metadata; a manifest's key has 1 KB. */
export const MAX_JOB_FILE_BYTES = 64 * 1024;

const NAME = /\.job\.(json|ya?ml)$/i;

/** Faults of a text that are shown: those behind the first often follow from it. */
const MAX_LISTED = 3;

/** Characters of a parser's message that are shown. */
const MAX_SHOWN = 200;

export function isJobFile(key: string): boolean {
  return NAME.test(key);
}

/** An object of the inbox: this version of it, or the one that it has now. */
export interface ManifestReference {
  key: string;
  versionId?: string;
}

export interface JobFile {
  /** Undefined where a fault is about it. */
  manifest: ManifestReference | undefined;
  /** Texts by name, not yet looked at. */
  options: Readonly<Record<string, string>>;
  /** Everything that is wrong with the file, each with its place and remedy. */
  faults: readonly string[];
}

/** @param place the file's own key, and the bucket that holds it; never throws */
export function parseJobFile(bytes: Uint8Array, place: { key: string; inbox: string }): JobFile {
  const unreadable = (fault: string): JobFile => ({ manifest: undefined, options: {}, faults: [fault] });
  if (bytes.length > MAX_JOB_FILE_BYTES) {
    const most = `${MAX_JOB_FILE_BYTES} bytes at most`;
    return unreadable(
      `it has ${bytes.length} bytes: write ${most}, and the rows in the manifest that it names`,
    );
  }
  if (!isUtf8(bytes)) return unreadable('it is not UTF-8: save it as UTF-8');
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  const parsed = /\.json$/i.test(place.key) ? parseJsonFile(text) : parseYaml(text);
  if (parsed.kind === 'invalid') return unreadable(parsed.message);
  return readFields(parsed.value, place);
}

type ParsedText = { kind: 'parsed'; value: unknown } | { kind: 'invalid'; message: string };

/** ECMAScript's "JSON.parse source text access": a number stays as it is written. */
type Reviver = (name: string, value: unknown, context: { source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

function parseJsonFile(text: string): ParsedText {
  try {
    const value = parseWithSource(text, (_, each, { source }) => (typeof each === 'number' ? source : each));
    // JSON.parse takes the last of two members of one name, without a word. YAML is a superset of JSON.
    const { faults, describe } = readYaml(text);
    const repeated = faults.find(({ code }) => code === REPEATED);
    return repeated === undefined
      ? { kind: 'parsed', value }
      : { kind: 'invalid', message: `it has a name twice: ${describe(repeated)}` };
  } catch (error) {
    if (error instanceof RangeError) return TOO_DEEP;
    const shown = visibleText((error as Error).message.slice(0, MAX_SHOWN));
    return { kind: 'invalid', message: `it is no JSON: ${shown}` };
  }
}

/** All scalars are text, and there are no tags, aliases or merge keys: nothing in the file means more than it says. */
const YAML_OPTIONS = {
  schema: 'failsafe',
  version: '1.2',
  merge: false,
  // The parser compares each name with each other one, for seconds where there are thousands.
  uniqueKeys: false,
  logLevel: 'error',
} as const;

function parseYaml(text: string): ParsedText {
  try {
    const { document, faults, describe } = readYaml(text);
    if (faults.some(({ code }) => code === EXHAUSTED)) return TOO_DEEP;
    const listed = faults.slice(0, MAX_LISTED).map(describe);
    if (listed.length > 0)
      return { kind: 'invalid', message: `it is not readable YAML: ${listed.join('; ')}` };
    return { kind: 'parsed', value: document.toJS({ maxAliasCount: 0 }) as unknown };
  } catch (error) {
    if (error instanceof RangeError) return TOO_DEEP;
    // An alias.
    const shown = visibleText((error as Error).message.slice(0, MAX_SHOWN));
    return {
      kind: 'invalid',
      message: `it is not readable YAML: ${shown}; write it without aliases`,
    };
  }
}

const REPEATED = 'DUPLICATE_KEY' satisfies YAMLError['code'];
/** The parser's own, where a value has more levels than its stack. */
const EXHAUSTED = 'RESOURCE_EXHAUSTION' satisfies YAMLError['code'];
/** More levels than the stack allows. */
const TOO_DEEP = {
  kind: 'invalid',
  message: 'its values are nested too deeply: options are texts, one level below "options"',
} as const;

/** `pos[0]` is its place in the text. */
type TextFault = Pick<YAMLError, 'code' | 'message'> & { pos: readonly [number, ...number[]] };

interface YamlText {
  document: Document.Parsed;
  faults: readonly TextFault[];
  /** The fault with its line and column. For those that are shown: a text of 64 KiB may have 20,000 faults. */
  describe: (fault: TextFault) => string;
}

/** @throws RangeError where it is nested more deeply than the stack allows */
function readYaml(text: string): YamlText {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { ...YAML_OPTIONS, lineCounter, prettyErrors: false });
  const { errors, warnings } = document;
  const describe = ({ code, message, pos }: TextFault): string => {
    const { line, col } = lineCounter.linePos(pos[0]);
    const shown = visibleText(REMEDIES[code] ?? message.slice(0, MAX_SHOWN));
    return `line ${line}, column ${col}: ${shown}${quoteBraces(text, line)}`;
  };
  return { document, faults: [...errors, ...warnings, ...repeatedNames(document)], describe };
}

/** In place of the parser's own messages, which speak to its caller. */
const REMEDIES: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'multiple documents: a job file is one, so leave out what follows the ---',
};

/** Key templates begin with a brace more often than not, and to YAML such a value is an object. */
function quoteBraces(text: string, line: number): string {
  const source = text.split('\n', line)[line - 1] ?? '';
  return /:\s+\{/.test(source) ? ' (write a value that begins with { in quotes)' : '';
}

function repeatedNames(document: Document.Parsed): TextFault[] {
  const faults: TextFault[] = [];
  visit(document, {
    Map(_, { items }) {
      const names = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (names.has(key.value))
          faults.push({ code: REPEATED, message: 'Map keys must be unique', pos: [key.range?.[0] ?? 0] });
        names.add(key.value);
      }
    },
  });
  return faults;
}

const SHAPE = 'a job file is { "manifest": "s3://INBOX/KEY", "options": { ... } }';

function readFields(value: unknown, place: { key: string; inbox: string }): JobFile {
  if (!isRecord(value)) return { manifest: undefined, options: {}, faults: [`it holds no object: ${SHAPE}`] };
  const { manifest, options = {}, ...others } = value;
  const faults: string[] = [];
  const unknown = Object.keys(others);
  if (unknown.length > 0) faults.push(`unknown ${boundedNames(unknown)}: ${SHAPE}`);

  const reference = typeof manifest === 'string' ? readReference(manifest, place) : NO_MANIFEST;
  if (typeof reference === 'string') faults.push(`manifest ${reference}`);

  const texts = isRecord(options) ? Object.entries(options) : [];
  if (!isRecord(options)) faults.push('options is no object: write { "NAME": "VALUE" }');
  for (const [name, text] of texts) {
    if (typeof text !== 'string')
      faults.push(`options.${boundedName(name)} is no text: write one value, in quotes`);
  }
  const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';
  return {
    manifest: typeof reference === 'string' ? undefined : reference,
    options: Object.fromEntries(texts.filter(isText)),
    faults,
  };
}

const NO_MANIFEST =
  'is missing, or no text: write "manifest": "s3://INBOX/KEY", or a key relative to this file';
const VERSION = /\?versionId=([^?&#]*)$/;
const VERSION_ID = /^[\x21-\x7e]{1,1024}$/;
/** Without a version: that is cut off once, so that the key may end as with one. */
const ADDRESS = /^s3:\/\/([^/]*)\/(.+)$/s;
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** @returns what is wrong with it as text, to follow the word `manifest` */
function readReference(
  text: string,
  { key: own, inbox }: { key: string; inbox: string },
): ManifestReference | string {
  const versionId = VERSION.exec(text)?.[1];
  const path = text.replace(VERSION, '');
  if (versionId !== undefined && !VERSION_ID.test(versionId)) return 'has no version id behind ?versionId=';
  const key = SCHEME.test(path) ? keyInInbox(path, inbox) : relativeKey(path, own);
  if (typeof key !== 'string') return key.fault;
  const fault = faultOfTarget(key, own);
  return fault ?? { key, ...(versionId === undefined ? {} : { versionId }) };
}

function keyInInbox(address: string, inbox: string): string | { fault: string } {
  const [, bucket, key] = ADDRESS.exec(address) ?? [];
  const shown = JSON.stringify(boundedText(visibleText(address), MAX_SHOWN));
  if (key === undefined) return { fault: `${shown} is not s3://${inbox}/KEY` };
  if (bucket === inbox) return key;
  return {
    fault: `${shown} is not in the inbox: copy it to s3://${inbox}/, under a name that starts with _`,
  };
}

function relativeKey(path: string, own: string): string | { fault: string } {
  const names = path.split('/');
  if (names.some((name) => name === '' || name === '.' || name === '..')) {
    const shown = JSON.stringify(boundedText(visibleText(path), MAX_SHOWN));
    return {
      fault: `${shown} has an empty name, "." or "..": write s3://INBOX/KEY for a key that is no plain path`,
    };
  }
  return own.slice(0, own.lastIndexOf('/') + 1) + path;
}

function faultOfTarget(key: string, own: string): string | undefined {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `has a key above ${MAX_KEY_BYTES} bytes`;
  if (!key.isWellFormed()) return 'has a key that is no Unicode text: it has half of a surrogate pair';
  if (key === own || isJobFile(key)) return 'is a job file: name the list of objects itself';
  // Writers to the inbox must not read what others posted to the API.
  if (namedJobId(key) !== undefined) return 'was posted to the API: redrive its job, or put a copy elsewhere';
  return undefined;
}
