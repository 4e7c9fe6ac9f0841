// A job's options: what its submitter may choose. They come as S3 user metadata on the manifest
// (`x-amz-meta-spillway-<name>`), which the API writes too, and are frozen in the job's row at first sight.
import * as z from 'zod/mini';
import { parseSpread, type Spread } from '../spread/spread.ts';

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** S3's user metadata, in which options travel, carries ASCII only, 2 KB in all; and a key has 1,024 bytes. */
const PREFIX_LENGTH = 900;
const PREFIX = new RegExp(`^[\\x20-\\x7e]{0,${PREFIX_LENGTH}}$`);

/** Age at which an item that S3 still refuses is failed. SQS keeps messages for 10 days: the longest that can be promised is 9. */
const RETRY_FOR_SECONDS = { default: 24 * 3600, least: 1, most: 9 * 24 * 3600 };

/** What happens where the destination key already holds an object. */
export type IfExists = 'overwrite' | 'skip' | 'fail';

export interface JobOptions {
  /** Where the objects go: a bucket that the deployment allows, and a prefix before the spread key (or none). */
  destination: { bucket: string; prefix: string };
  /** How keys are spread: `binary`, `hex:N` or `off`. */
  spread: string;
  ifExists: IfExists;
  /** Seconds from an item's first sending after which a throttled or failing item is given up. */
  retryForSeconds: number;
}

const optionTexts = z.strictObject({
  destination: z.optional(z.string()),
  spread: z.optional(z.string()),
  'if-exists': z.optional(z.enum(['overwrite', 'skip', 'fail'], 'takes overwrite, skip or fail')),
  'retry-for-seconds': z.optional(z.string().check(z.regex(/^\d{1,9}$/, 'is not a whole number of seconds'))),
});

export const OPTION_NAMES = Object.keys(optionTexts.shape);
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
  // What is no number was told of by the schema; it is neither above nor below anything.
  const retryForSeconds = Number(texts['retry-for-seconds'] ?? RETRY_FOR_SECONDS.default);
  if (retryForSeconds < RETRY_FOR_SECONDS.least || retryForSeconds > RETRY_FOR_SECONDS.most) {
    faults.push(
      `retry-for-seconds is ${retryForSeconds}: it takes ${RETRY_FOR_SECONDS.least} to ${RETRY_FOR_SECONDS.most}`,
    );
  }
  if (!parsed.success || faults.length > 0) return { kind: 'invalid', message: faults.join('; ') };
  return {
    kind: 'valid',
    options: { destination, spread, ifExists: parsed.data['if-exists'] ?? 'overwrite', retryForSeconds },
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

/** The spread of options that were validated when they were frozen. */
export function spreadOf(options: JobOptions): Spread {
  const parsed = parseSpread(options.spread);
  if (parsed.kind === 'invalid') throw new Error(`the job's frozen spread is not valid: ${parsed.message}`);
  return parsed.spread;
}

function faultOfSpread(text: string): string | undefined {
  const parsed = parseSpread(text);
  return parsed.kind === 'invalid' ? parsed.message : undefined;
}

function parseDestination(text: string | undefined, allowed: readonly string[], faults: string[]) {
  if (text === undefined) return { bucket: allowed[0] ?? '', prefix: '' };
  const [, bucket = '', prefix = ''] = /^(?:s3:\/\/)?([^/]+)(?:\/(.*))?$/s.exec(text) ?? [];
  if (!PREFIX.test(prefix)) {
    faults.push(`the destination's prefix is not up to ${PREFIX_LENGTH} printable ASCII characters`);
  }
  if (!BUCKET_NAME.test(bucket)) {
    faults.push(`destination "${text}" is not s3://BUCKET or s3://BUCKET/PREFIX`);
  } else if (!allowed.includes(bucket)) {
    faults.push(
      `destination bucket "${bucket}" is not allowed: this deployment writes to ${allowed.join(', ')}`,
    );
  }
  return { bucket, prefix };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown option ${issue.keys.map((key) => `"${key}"`).join(', ')}: the options are ${OPTION_NAMES.join(', ')}`;
  }
  return `${issue.path.join('.')}: ${issue.message}`;
}
