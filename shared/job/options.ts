// Reads a job's options: from texts, from its stored row, and from the report that a redrive takes up. option-table.ts lists the
// options, and option-values.ts says what each one takes. They come as S3 user metadata on the manifest
// (`x-amz-meta-spillway-<name>`), which the API writes too, and are frozen in the job's row at first sight.
import * as z from 'zod/mini';
import { MAX_METADATA_BYTES } from '../attributes/checks.ts';
import { faultOfJobAttributes, type JobAttributes } from '../attributes/row-attributes.ts';
import { boundedList, boundedName, boundedNames, boundedText } from '../text/bounded.ts';
import type { JobOption, OptionTable } from './option-kinds.ts';
import { OPTIONS } from './option-table.ts';
import { faultOfPrefix, storedValue, textValue } from './option-values.ts';

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
    const fault = faultOfPrefix(prefix);
    if (fault !== undefined) {
      const message = `the destination's prefix ${fault}`;
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
