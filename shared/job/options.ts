// Reads a job's options: from texts, from its stored row, and from the report that a redrive takes up. What options there are
// stands in option-table.ts. They come as S3 user metadata on the manifest (`x-amz-meta-spillway-<name>`), which the API writes
// too, and are frozen in the job's row at first sight.
import * as z from 'zod/mini';
import { MAX_METADATA_BYTES } from '../attributes/checks.ts';
import { faultOfJobAttributes, type JobAttributes } from '../attributes/row-attributes.ts';
import { isBucketName } from '../keys/bucket-name.ts';
import { faultOfPath, folderPrefix, MAX_PATH_BYTES, splitDestination } from '../keys/destination.ts';
import { parseKeyTemplate } from '../keys/key-template.ts';
import { parseSpread } from '../keys/spread.ts';
import { isReservedColumn } from '../manifest/columns.ts';
import { boundedList, boundedName, boundedNames, boundedText } from '../text/bounded.ts';
import { storedDefaultOf } from './frozen-options.ts';
import { type JobOption, MAX_TEXT_LENGTH, OPTIONS, type OptionTable, valuesOf } from './option-table.ts';

/** S3's user metadata, in which options travel, carries ASCII only. */
const PREFIX = new RegExp(`^[\\x20-\\x7e]{0,${MAX_PATH_BYTES}}$`);
const NOT_A_PREFIX = `is not up to ${MAX_PATH_BYTES} printable ASCII characters, its closing slash included`;
const WHOLE_NUMBER = /^\d{1,10}$/;
/** HTTP drops spaces at the ends of a header. */
const TEXT = /^(?! )[\x20-\x7e]*(?<! )$/;
const NOT_A_TEXT = 'takes printable ASCII characters without spaces at its ends';

/** Bytes of a message that a wrong value is shown in. */
const SHOWN_VALUE_BYTES = 200;
/** Bytes that a message gives to unknown names: the known ones follow as the remedy, and must stay visible. */
const UNKNOWN_NAMES_BYTES = 400;

const OPTION_METADATA_PREFIX = 'spillway-';
/**
 * Metadata of a report that names its drop, so that a report of another drop is never overwritten. It has the prefix of options,
 * but is none. A copy of a report within S3 keeps this metadata, and in the inbox such a copy orders a redrive.
 */
export const REPORT_METADATA = 'spillway-drop';

type ValueOf<Option extends JobOption> = Option extends { kind: 'destination' }
  ? { bucket: string; prefix: string }
  : Option extends { kind: 'choice'; choices: readonly (infer Choice)[] }
    ? Choice
    : Option extends { kind: 'whole number' }
      ? number
      : string;

/** Options that every job has: it is given them, or they have a default. */
type FixedFields<Table extends OptionTable> = {
  [Field in keyof Table]: Table[Field] extends { default: unknown } | { kind: 'destination' } ? Field : never;
}[keyof Table];

type OptionsOf<Table extends OptionTable> = {
  -readonly [Field in FixedFields<Table>]: ValueOf<Table[Field]>;
} & { -readonly [Field in Exclude<keyof Table, FixedFields<Table>>]?: ValueOf<Table[Field]> };

export type JobOptions = OptionsOf<typeof OPTIONS>;
/** The options that may be changed while the job runs. */
export type RateOptions = Pick<JobOptions, 'maxRatePerSecond' | 'maxBytesPerSecond'>;
/** What happens where the destination key already holds an object. */
export type IfExists = JobOptions['ifExists'];
/** `all` rows, those that were not stored (`failures`), or the counts alone (`none`). */
export type ReportKind = JobOptions['report'];

/** What is wrong with one option. */
export interface OptionFault {
  /** Its name; absent where the fault is of several together. */
  option?: string;
  message: string;
}

/** `message` holds the first faults in one text, `faults` all of them. */
export type ParsedOptions<Options = JobOptions> =
  | { kind: 'valid'; options: Options }
  | { kind: 'invalid'; message: string; faults: readonly OptionFault[] };

/**
 * How the options of a table are read.
 * @param faultOf what is wrong with options that are right each by itself
 */
export function createOptionReader<Table extends OptionTable>(
  table: Table,
  faultOf: (options: OptionsOf<Table>) => string | undefined = () => undefined,
) {
  type Options = OptionsOf<Table>;
  const options = Object.entries<JobOption>(table);
  const names = options.map(([, { name }]) => name);
  /** Bounds are not checked: `parseFrozen` does that. Fields that are no options are dropped. */
  const stored = z.object(
    Object.fromEntries(options.map(([field, option]) => [field, storedValue(option)])),
  ) as unknown as z.ZodMiniType<Options>;

  /**
   * Parses options given as text by name. Every fault is reported, not the first only.
   * @param destinationBuckets buckets that the deployment allows as destinations; the first is the default
   */
  function parse(
    texts: Readonly<Record<string, string | undefined>>,
    destinationBuckets: readonly string[],
  ): ParsedOptions<Options> {
    const shape = options.map(([, option]) => [option.name, textValue(option, destinationBuckets)]);
    const parsed = z.strictObject(Object.fromEntries(shape)).safeParse(texts);
    if (!parsed.success) {
      // Custom faults last: a list of allowed buckets is long, and what does not fit is cut.
      const issues = parsed.error.issues.toSorted(
        (a, b) => Number(a.code === 'custom') - Number(b.code === 'custom'),
      );
      const texts = issues.map((issue) => describeIssue(issue, names));
      const faults = issues.flatMap((issue) => faultsOfIssue(issue));
      return { kind: 'invalid', message: boundedText(boundedList(texts)), faults };
    }
    const values = options
      .map(([field, { name }]) => [field, parsed.data[name]])
      .filter(([, value]) => value !== undefined);
    const valid = Object.fromEntries(values) as Options;
    const fault = faultOf(valid);
    return fault === undefined
      ? { kind: 'valid', options: valid }
      : { kind: 'invalid', message: boundedText(fault), faults: [{ message: boundedText(fault) }] };
  }

  /**
   * The options of an earlier job, for its redrive in this deployment. All are validated again. Only the prefix stays as that
   * job froze it, even where it is refused today: the redrive writes to the same keys.
   */
  function parseFrozen(frozen: Options, destinationBuckets: readonly string[]): ParsedOptions<Options> {
    const values: Readonly<Record<string, unknown>> = frozen;
    const { bucket, prefix } = values['destination'] as JobOptions['destination'];
    const texts = options
      .filter(([field]) => values[field] !== undefined)
      .map(([field, { kind, name }]) => [
        name,
        kind === 'destination' ? `s3://${bucket}` : String(values[field]),
      ]);
    const parsed = parse(Object.fromEntries(texts), destinationBuckets);
    if (parsed.kind === 'invalid') return parsed;
    if (!PREFIX.test(prefix)) {
      const message = `the destination's prefix ${NOT_A_PREFIX}`;
      return { kind: 'invalid', message, faults: [{ option: 'destination', message }] };
    }
    return { kind: 'valid', options: { ...parsed.options, destination: { bucket, prefix } } };
  }

  return { names, stored, parse, parseFrozen };
}

export const {
  names: OPTION_NAMES,
  stored: storedOptions,
  parse: parseJobOptions,
  parseFrozen: parseFrozenOptions,
} = createOptionReader(OPTIONS, (options: JobAttributes) => faultOfJobAttributes(options)?.message);

/** Options given as text by name, as an object's user metadata. */
export function metadataOfOptionTexts(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, value]) => [`${OPTION_METADATA_PREFIX}${name}`, value]),
  );
}

/** S3's 2 KB of user metadata, less the API's own entry: the digest of a submission, with its name. */
export const MAX_OPTION_BYTES = MAX_METADATA_BYTES - 128;

/** Bytes that these options take of an object's user metadata, as S3 counts them. They are ASCII. */
export function bytesOfOptionTexts(texts: Readonly<Record<string, string>>): number {
  return Object.entries(metadataOfOptionTexts(texts)).flat().join('').length;
}

/** The options among an object's user metadata, by their names without the prefix. */
export function optionTextsOfMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([name]) => name.startsWith(OPTION_METADATA_PREFIX) && name !== REPORT_METADATA)
      .map(([name, value]) => [name.slice(OPTION_METADATA_PREFIX.length), value]),
  );
}

/** An option's value as a job's row and its report hold it. */
function storedValue(option: JobOption) {
  switch (option.kind) {
    case 'destination':
      // Every version stored it. A default here would write a redrive's objects to another place.
      return z.object({ bucket: z.string(), prefix: z.string() });
    case 'spread':
    case 'key template':
    case 'key part':
      return z._default(z.string(), option.default);
    case 'choice':
      return option.default === undefined
        ? z.exactOptional(z.enum(option.choices))
        : z._default(z.enum(option.choices), storedDefaultOf(option) as string);
    case 'whole number':
      return z._default(z.number(), option.default);
    case 'text':
      return z.exactOptional(z.string());
  }
}

/** An option's value from its text. A custom issue names the option in its message; others get the name as their path. */
function textValue(option: JobOption, destinationBuckets: readonly string[]) {
  switch (option.kind) {
    case 'destination':
      return destinationText(destinationBuckets);
    case 'spread':
      return z._default(spreadText, option.default);
    case 'key template':
      return z._default(templateText(option.name), option.default);
    case 'key part':
      return z._default(
        z
          .string()
          .check(
            z.maxLength(MAX_TEXT_LENGTH, `has more than ${MAX_TEXT_LENGTH} characters`),
            z.regex(TEXT, NOT_A_TEXT),
          ),
        option.default,
      );
    case 'choice': {
      const choices = z.enum(option.choices, `takes ${valuesOf(option)}`);
      return option.default === undefined ? z.optional(choices) : z._default(choices, option.default);
    }
    case 'text':
      return z.optional(checkedText(option));
    case 'whole number': {
      const { name, least, most } = option;
      const isWithin = z.refine<number>((value) => value >= least && value <= most, {
        error: ({ input }) => `${name} is ${String(input)}: it takes ${valuesOf(option)}`,
      });
      return z._default(z.pipe(wholeNumberText, z.number().check(isWithin)), option.default);
    }
  }
}

const wholeNumberText = z.pipe(
  z.string().check(z.regex(WHOLE_NUMBER, 'is not a whole number')),
  z.transform((text: string) => Number(text)),
);

const spreadText = z.string().check((payload) => {
  const parsed = parseSpread(payload.value);
  if (parsed.kind === 'invalid')
    payload.issues.push(customIssue(payload.value, boundedText(parsed.message, SHOWN_VALUE_BYTES)));
});

function templateText(name: string) {
  return z.string().check((payload) => {
    const refuse = (fault: string) => {
      const message = boundedText(`${name}: ${fault}`, SHOWN_VALUE_BYTES * 2);
      payload.issues.push(customIssue(payload.value, message));
    };
    const parsed = parseKeyTemplate(payload.value);
    if (!TEXT.test(payload.value)) refuse(NOT_A_TEXT);
    else if (parsed.kind === 'invalid') refuse(parsed.message);
    else if (parsed.template.columns.some(isReservedColumn))
      refuse('columns named spillway_* are not read, so a template can not name them');
  });
}

function checkedText({ name, faultOf }: JobOption & { kind: 'text' }) {
  return z.string().check((payload) => {
    const fault = faultOf(payload.value);
    if (fault !== undefined)
      payload.issues.push(customIssue(payload.value, boundedText(`${name} ${fault}`, SHOWN_VALUE_BYTES * 2)));
  });
}

/** The path is always a folder: with or without its closing slash it is the same destination. */
function destinationText(allowed: readonly string[]) {
  return z.pipe(
    z.optional(z.string()),
    z.transform((text: string | undefined, context) => {
      if (text === undefined) return { bucket: allowed[0] ?? '', prefix: '' };
      const url = text.startsWith('s3://') ? text : `s3://${text}`;
      const { bucket, path } = splitDestination(url) ?? { bucket: '', path: '' };
      const prefix = folderPrefix(path);
      const refuse = (message: string) => context.issues.push(customIssue(text, message));
      if (!isBucketName(bucket)) {
        const quoted = JSON.stringify(boundedText(text, SHOWN_VALUE_BYTES));
        refuse(`destination ${quoted} is not s3://BUCKET or s3://BUCKET/PREFIX`);
        return z.NEVER;
      }
      if (!allowed.includes(bucket)) {
        refuse(
          `destination bucket "${bucket}" is not allowed: this deployment writes to ${allowed.join(', ')}`,
        );
      }
      const fault = PREFIX.test(prefix) ? faultOfPath(path) : NOT_A_PREFIX;
      if (fault !== undefined) refuse(`the destination's prefix ${fault}`);
      return { bucket, prefix };
    }),
  );
}

function customIssue(input: string, message: string): z.core.$ZodRawIssue {
  return { code: 'custom', input, message };
}

function describeIssue(issue: z.core.$ZodIssue, names: readonly string[]): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown option ${boundedText(boundedNames(issue.keys), UNKNOWN_NAMES_BYTES)}: the options are ${names.join(', ')}`;
  }
  return issue.code === 'custom' ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}

function faultsOfIssue(issue: z.core.$ZodIssue): OptionFault[] {
  if (issue.code === 'unrecognized_keys') {
    const message = 'is no option: docs/options.md lists them';
    return issue.keys.map((name) => ({ option: boundedName(name), message }));
  }
  return [{ option: issue.path.join('.'), message: boundedText(issue.message) }];
}
