// The kinds of options that a job has, and what each takes. option-table.ts has the options themselves.
import type { Fault } from '../attributes/checks.ts';
import { MAX_TEMPLATE_LENGTH, TEMPLATE_PARTS } from '../keys/key-template.ts';
import { SPREADS } from '../keys/spread.ts';

/** Characters of a text option: half of what a key may have. */
export const MAX_TEXT_LENGTH = 512;

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

/**
 * spread         the hash before each key (keys/spread.ts)
 * key template   what the keys are made of (keys/key-template.ts)
 * key part       printable ASCII without spaces at its ends, since options travel in S3's user metadata
 */
interface KeyOption extends Described {
  kind: 'spread' | 'key template' | 'key part';
  default: string;
}

/** Without a default, a job may have none. */
interface ChoiceOption extends Described {
  kind: 'choice';
  choices: readonly string[];
  default?: string;
  /** Of jobs that were stored before the option existed, where that is not the default: they go on as they began. */
  storedDefault?: string;
}

/** A job may have none. */
interface TextOption extends Described {
  kind: 'text';
  /** What it takes, in words. */
  takes: string;
  example: string;
  /** What is wrong with a text, to stand behind the option's name. */
  faultOf: (text: string) => Fault;
}

/** From `least` to `most`, in decimal digits. */
interface NumberOption extends Described {
  kind: 'whole number';
  unit: 'seconds' | 'percent' | 'rows' | 'objects a second' | 'bytes a second';
  default: number;
  least: number;
  most: number;
}

export type JobOption = DestinationOption | KeyOption | ChoiceOption | NumberOption | TextOption;

/** Options by the name of their field in `JobOptions`. Each job has a destination. */
export type OptionTable = Readonly<Record<string, JobOption>> & { readonly destination: DestinationOption };

/** What an option takes, in words. */
export function valuesOf(option: JobOption): string {
  switch (option.kind) {
    case 'destination':
      return 's3://BUCKET or s3://BUCKET/PREFIX';
    case 'spread':
      return oneOf(SPREADS);
    case 'key template':
      return `text with ${oneOf(TEMPLATE_PARTS)}, up to ${MAX_TEMPLATE_LENGTH} characters`;
    case 'key part':
      return `up to ${MAX_TEXT_LENGTH} characters`;
    case 'choice':
      return oneOf(option.choices);
    case 'text':
      return option.takes;
    case 'whole number':
      return `${option.least} to ${option.most}`;
  }
}

function oneOf(texts: readonly string[]): string {
  return `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
}
