// A job's options: what its submitter may choose. They come as S3 user metadata on the manifest
// (`x-amz-meta-spillway-<name>`), which the API writes too, and are frozen in the job's row at first sight.
import * as z from 'zod/mini';
import { isBucketName } from '../keys/bucket-name.ts';
import { faultOfPath, folderPrefix, MAX_PATH_BYTES, splitDestination } from '../keys/destination.ts';
import { parseSpread, type Spread } from '../keys/spread.ts';
import { boundedList, boundedNames, boundedText } from '../text/bounded.ts';

/** S3's user metadata, in which options travel, carries ASCII only. */
const PREFIX = new RegExp(`^[\\x20-\\x7e]{0,${MAX_PATH_BYTES}}$`);
const NOT_A_PREFIX = `is not up to ${MAX_PATH_BYTES} printable ASCII characters, its closing slash included`;

/** Bytes of a message that a wrong value is shown in. */
const SHOWN_VALUE_BYTES = 200;

const DAY_SECONDS = 24 * 3600;
/** Options that are whole numbers, by name. */
const NUMBERS = {
  /** SQS keeps messages for 10 days: the longest that can be promised is 9. */
  'retry-for-seconds': { default: DAY_SECONDS, least: 1, most: 9 * DAY_SECONDS },
  'deadline-seconds': { default: 14 * DAY_SECONDS, least: 60, most: 90 * DAY_SECONDS },
  /** S3 Batch Operations too stops a job of which half has failed after 1,000 rows. */
  'max-failed-percent': { default: 50, least: 0, most: 100 },
  'max-failed-after-rows': { default: 1000, least: 1, most: 1_000_000_000 },
} as const;
type NumberName = keyof typeof NUMBERS;

/** What happens where the destination key already holds an object. */
export type IfExists = 'overwrite' | 'skip' | 'fail';

/** `all` rows, those that were not stored (`failures`), or the counts alone (`none`). */
export type ReportKind = 'all' | 'failures' | 'none';

export interface JobOptions {
  /**
   * Where the objects go: a bucket that the deployment allows, and what stands before the spread key, as it stands. It ends
   * in `/` or is empty, except in jobs that were stored before a destination was always a folder.
   */
  destination: { bucket: string; prefix: string };
  /** How keys are spread: `binary`, `hex:N` or `off`. */
  spread: string;
  ifExists: IfExists;
  /** Seconds from an item's first receive after which a throttled or failing item is given up; pauses do not count. */
  retryForSeconds: number;
  /** Seconds from the job's start after which rows that have not ended are booked as lost; pauses do not count. */
  deadlineSeconds: number;
  /**
   * The job is stopped when more than this share has failed of its ended rows, or is rejected of the rows read, once
   * there are `maxFailedAfterRows` of them. 100: never.
   */
  maxFailedPercent: number;
  maxFailedAfterRows: number;
  /** Which files the report has beside its counts. */
  report: ReportKind;
}

const WHOLE_NUMBER = /^\d{1,10}$/;
const wholeNumber = z.optional(z.string().check(z.regex(WHOLE_NUMBER, 'is not a whole number')));
const optionTexts = z.strictObject({
  destination: z.optional(z.string()),
  spread: z.optional(z.string()),
  'if-exists': z.optional(z.enum(['overwrite', 'skip', 'fail'], 'takes overwrite, skip or fail')),
  'retry-for-seconds': wholeNumber,
  'deadline-seconds': wholeNumber,
  'max-failed-percent': wholeNumber,
  'max-failed-after-rows': wholeNumber,
  report: z.optional(z.enum(['all', 'failures', 'none'], 'takes all, failures or none')),
});

export const OPTION_NAMES = Object.keys(optionTexts.shape);
/** Bytes that a message gives to unknown names: the known ones behind them are the remedy, and are to be seen. */
const UNKNOWN_NAMES_BYTES = 400;
export const OPTION_METADATA_PREFIX = 'spillway-';

export type ParsedOptions = { kind: 'valid'; options: JobOptions } | { kind: 'invalid'; message: string };

/**
 * Parses options given as text by name. Every fault is reported, not the first only.
 * @param destinationBuckets buckets that the deployment allows as destinations; the first is the default
 */
export function parseJobOptions(
  texts: Readonly<Record<string, string | undefined>>,
  destinationBuckets: readonly string[],
): ParsedOptions {
  const parsed = optionTexts.safeParse(texts);
  const faults = parsed.success ? [] : parsed.error.issues.map(describeIssue);
  const destination = parseDestination(texts['destination'], destinationBuckets, faults);
  const spread = texts['spread'] ?? 'binary';
  const spreadFault = faultOfSpread(spread);
  if (spreadFault !== undefined) faults.push(spreadFault);
  const number = (name: NumberName): number => {
    const { default: usual, least, most } = NUMBERS[name];
    const text = texts[name] ?? String(usual);
    // The schema reports what is no number; `Number` would read an empty text as zero.
    const value = WHOLE_NUMBER.test(text) ? Number(text) : usual;
    if (value < least || value > most) faults.push(`${name} is ${value}: it takes ${least} to ${most}`);
    return value;
  };
  const numbers = {
    retryForSeconds: number('retry-for-seconds'),
    deadlineSeconds: number('deadline-seconds'),
    maxFailedPercent: number('max-failed-percent'),
    maxFailedAfterRows: number('max-failed-after-rows'),
  };
  if (!parsed.success || faults.length > 0)
    return { kind: 'invalid', message: boundedText(boundedList(faults)) };
  return {
    kind: 'valid',
    options: {
      destination,
      spread,
      ifExists: parsed.data['if-exists'] ?? 'overwrite',
      ...numbers,
      report: parsed.data.report ?? 'all',
    },
  };
}

/** The options among an object's user metadata, by their names without the prefix. */
export function optionTextsOfMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([name]) => name.startsWith(OPTION_METADATA_PREFIX))
      .map(([name, value]) => [name.slice(OPTION_METADATA_PREFIX.length), value]),
  );
}

/**
 * The options of a job from before, for its redrive in this deployment. All are validated again, but the prefix stays as
 * that job froze it: the redrive writes to the same keys, also where the prefix is one that is refused today.
 */
export function parseFrozenOptions(frozen: JobOptions, destinationBuckets: readonly string[]): ParsedOptions {
  const { bucket, prefix } = frozen.destination;
  const parsed = parseJobOptions(optionTextsOf(frozen), destinationBuckets);
  if (parsed.kind === 'invalid') return parsed;
  if (!PREFIX.test(prefix)) return { kind: 'invalid', message: `the destination's prefix ${NOT_A_PREFIX}` };
  return { kind: 'valid', options: { ...parsed.options, destination: { bucket, prefix } } };
}

/** Without the prefix, which is not parsed again. */
function optionTextsOf(options: JobOptions): Record<string, string> {
  return {
    destination: `s3://${options.destination.bucket}`,
    spread: options.spread,
    'if-exists': options.ifExists,
    'retry-for-seconds': String(options.retryForSeconds),
    'deadline-seconds': String(options.deadlineSeconds),
    'max-failed-percent': String(options.maxFailedPercent),
    'max-failed-after-rows': String(options.maxFailedAfterRows),
    report: options.report,
  };
}

/** The spread of options that were validated when they were frozen. */
export function spreadOf(options: JobOptions): Spread {
  const parsed = parseSpread(options.spread);
  if (parsed.kind === 'invalid') throw new Error(`the job's frozen spread is not valid: ${parsed.message}`);
  return parsed.spread;
}

function faultOfSpread(text: string): string | undefined {
  const parsed = parseSpread(text);
  return parsed.kind === 'invalid' ? boundedText(parsed.message, SHOWN_VALUE_BYTES) : undefined;
}

/** The path is always a folder: with or without its closing slash it is the same destination. */
function parseDestination(text: string | undefined, allowed: readonly string[], faults: string[]) {
  if (text === undefined) return { bucket: allowed[0] ?? '', prefix: '' };
  const url = text.startsWith('s3://') ? text : `s3://${text}`;
  const { bucket, path } = splitDestination(url) ?? { bucket: '', path: '' };
  const prefix = folderPrefix(path);
  if (!isBucketName(bucket)) {
    const quoted = JSON.stringify(boundedText(text, SHOWN_VALUE_BYTES));
    faults.push(`destination ${quoted} is not s3://BUCKET or s3://BUCKET/PREFIX`);
    return { bucket, prefix };
  }
  if (!allowed.includes(bucket)) {
    faults.push(
      `destination bucket "${bucket}" is not allowed: this deployment writes to ${allowed.join(', ')}`,
    );
  }
  const fault = PREFIX.test(prefix) ? faultOfPath(path) : NOT_A_PREFIX;
  if (fault !== undefined) faults.push(`the destination's prefix ${fault}`);
  return { bucket, prefix };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown option ${boundedText(boundedNames(issue.keys), UNKNOWN_NAMES_BYTES)}: the options are ${OPTION_NAMES.join(', ')}`;
  }
  return `${issue.path.join('.')}: ${issue.message}`;
}
