// Every option of a job, once. Metadata, query strings, stored jobs, redrives, the command's flags and docs/options.md follow it.
// Plain data, from which options.ts makes its schemas: loading zod would slow every start of the command by a third.
import { MAX_TEMPLATE_LENGTH, TEMPLATE_PARTS } from '../keys/key-template.ts';
import { SPREADS } from '../keys/spread.ts';

interface Described {
  /** As users write it. */
  name: string;
  /** What it is for, in one line of plain text: shown in the reference and in the help of commands. */
  description: string;
}

/** A bucket that the deployment allows, and a folder in it. Without it, the first of those buckets. */
interface DestinationOption extends Described {
  name: 'destination';
  kind: 'destination';
}

interface SpreadOption extends Described {
  kind: 'spread';
  default: string;
}

/** What the keys are made of (keys/key-template.ts). */
interface TemplateOption extends Described {
  kind: 'key template';
  default: string;
}

/** Part of a key: printable ASCII without spaces at its ends, since options travel in S3's user metadata. */
interface TextOption extends Described {
  kind: 'text';
  default: string;
}

interface ChoiceOption extends Described {
  kind: 'choice';
  choices: readonly string[];
  default: string;
  /** Of jobs that were stored before the option existed, where that is not the default: they go on as they began. */
  storedDefault?: string;
}

/** From `least` to `most`, in decimal digits. */
interface NumberOption extends Described {
  kind: 'whole number';
  unit: 'seconds' | 'percent' | 'rows' | 'objects a second' | 'bytes a second';
  default: number;
  least: number;
  most: number;
}

export type JobOption =
  | DestinationOption
  | SpreadOption
  | TemplateOption
  | TextOption
  | ChoiceOption
  | NumberOption;

/** Options by the name of their field in `JobOptions`. Each job has a destination. */
export type OptionTable = Readonly<Record<string, JobOption>> & { readonly destination: DestinationOption };

const DAY_SECONDS = 24 * 3600;

/** Characters of a text option: half of what a key may have. */
export const MAX_TEXT_LENGTH = 512;

export const OPTIONS = {
  /** In jobs stored before a destination was always a folder, the prefix may end without a slash. */
  destination: {
    name: 'destination',
    kind: 'destination',
    description: 'where the objects go: a bucket that the deployment allows, and a folder in it',
  },
  spread: {
    name: 'spread',
    kind: 'spread',
    default: 'binary',
    description: "the hash before each key, which spreads the keys over S3's partitions",
  },
  keyTemplate: {
    name: 'key-template',
    kind: 'key template',
    default: '{key}',
    description: 'what the key of each object is made of; the spread is of the key that it makes',
  },
  stripPrefix: {
    name: 'strip-prefix',
    kind: 'text',
    default: '',
    description:
      'what is removed from the start of each key before key-template sees it; a row whose key has another start is rejected',
  },
  stripSuffix: {
    name: 'strip-suffix',
    kind: 'text',
    default: '',
    description: 'the same for the end of each key',
  },
  /** Without it, which of two rows is written last is chance. Jobs from before it wrote both. */
  duplicateKeys: {
    name: 'duplicate-keys',
    kind: 'choice',
    choices: ['reject', 'allow'],
    default: 'reject',
    storedDefault: 'allow',
    description:
      'whether a row that lands on the key of an earlier row of its slice is rejected, or written as well, in no order that is promised',
  },
  ifExists: {
    name: 'if-exists',
    kind: 'choice',
    choices: ['overwrite', 'skip', 'fail'],
    default: 'overwrite',
    description: 'what happens where a key holds an object already',
  },
  /** From an item's first receive. SQS keeps messages for 10 days: the longest that can be promised is 9. */
  retryForSeconds: {
    name: 'retry-for-seconds',
    kind: 'whole number',
    unit: 'seconds',
    default: DAY_SECONDS,
    least: 1,
    most: 9 * DAY_SECONDS,
    description: 'how long an object that S3 refuses is tried again; pauses do not count',
  },
  deadlineSeconds: {
    name: 'deadline-seconds',
    kind: 'whole number',
    unit: 'seconds',
    default: 14 * DAY_SECONDS,
    least: 60,
    most: 90 * DAY_SECONDS,
    description:
      "time from the job's start until unfinished rows are booked as failed (Lost); pauses do not count",
  },
  /** S3 Batch Operations too stops a job of which half has failed after 1,000 rows. */
  maxFailedPercent: {
    name: 'max-failed-percent',
    kind: 'whole number',
    unit: 'percent',
    default: 50,
    least: 0,
    most: 100,
    description:
      'the job is stopped, and its rest cancelled, when more than this share of the ended rows has failed, or of the rows read is rejected; 100 never stops it',
  },
  maxFailedAfterRows: {
    name: 'max-failed-after-rows',
    kind: 'whole number',
    unit: 'rows',
    default: 1000,
    least: 1,
    most: 1_000_000_000,
    description: 'max-failed-percent counts once so many rows have ended, or are read',
  },
  /** Held by all workers of the job together (shared/pacing/job-rate.ts). */
  maxRatePerSecond: {
    name: 'max-rate-per-second',
    kind: 'whole number',
    unit: 'objects a second',
    default: 0,
    least: 0,
    most: 100_000,
    description: 'how many objects the job writes a second at most, with all its workers; 0 is no bound',
  },
  maxBytesPerSecond: {
    name: 'max-bytes-per-second',
    kind: 'whole number',
    unit: 'bytes a second',
    default: 0,
    least: 0,
    most: 9_999_999_999,
    description: 'how many bytes the job writes a second at most, with all its workers; 0 is no bound',
  },
  report: {
    name: 'report',
    kind: 'choice',
    choices: ['all', 'failures', 'none'],
    default: 'all',
    description:
      'the rows that the report lists: all, those that were not stored, or none; the counts are always there',
  },
} as const satisfies OptionTable;

/** What an option takes, in words. */
export function valuesOf(option: JobOption): string {
  switch (option.kind) {
    case 'destination':
      return 's3://BUCKET or s3://BUCKET/PREFIX';
    case 'spread':
      return oneOf(SPREADS);
    case 'key template':
      return `text with ${oneOf(TEMPLATE_PARTS)}, up to ${MAX_TEMPLATE_LENGTH} characters`;
    case 'text':
      return `up to ${MAX_TEXT_LENGTH} characters`;
    case 'choice':
      return oneOf(option.choices);
    case 'whole number':
      return `${option.least} to ${option.most}`;
  }
}

function oneOf(texts: readonly string[]): string {
  return `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
}
