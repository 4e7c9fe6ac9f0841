// The value of one option, as a schema: as a user's text gives it, and as a job's row and its report hold it.
import * as z from 'zod/mini';
import { isBucketName } from '../keys/bucket-name.ts';
import { faultOfPath, folderPrefix, MAX_PATH_BYTES, splitDestination } from '../keys/destination.ts';
import { parseKeyTemplate } from '../keys/key-template.ts';
import { parseSpread } from '../keys/spread.ts';
import { isReservedColumn } from '../manifest/columns.ts';
import { boundedText } from '../text/bounded.ts';
import { storedDefaultOf } from './frozen-options.ts';
import { type JobOption, MAX_TEXT_LENGTH, valuesOf } from './option-kinds.ts';

/** S3's user metadata, in which options travel, carries ASCII only. */
const PREFIX = new RegExp(`^[\\x20-\\x7e]{0,${MAX_PATH_BYTES}}$`);
const WHOLE_NUMBER = /^\d{1,10}$/;
/** HTTP drops spaces at the ends of a header. */
const TEXT = /^(?! )[\x20-\x7e]*(?<! )$/;
const NOT_A_TEXT = 'takes printable ASCII characters without spaces at its ends';

/** Bytes of a message that a wrong value is shown in. */
const SHOWN_VALUE_BYTES = 200;

/** An option's value as a job's row and its report hold it. */
export function storedValue(option: JobOption) {
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
export function textValue(option: JobOption, destinationBuckets: readonly string[]) {
  switch (option.kind) {
    case 'destination':
      return destinationText(destinationBuckets);
    case 'spread':
      return z._default(spreadText, option.default);
    case 'key template':
      return z._default(
        checkedText(faultOfTemplate, SHOWN_VALUE_BYTES * 2, `${option.name}: `),
        option.default,
      );
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
      return z.optional(checkedText(option.faultOf, SHOWN_VALUE_BYTES * 2, `${option.name} `));
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

const spreadText = checkedText((text) => {
  const parsed = parseSpread(text);
  return parsed.kind === 'invalid' ? parsed.message : undefined;
}, SHOWN_VALUE_BYTES);

function faultOfTemplate(text: string): string | undefined {
  const parsed = parseKeyTemplate(text);
  if (!TEXT.test(text)) return NOT_A_TEXT;
  if (parsed.kind === 'invalid') return parsed.message;
  return parsed.template.columns.some(isReservedColumn)
    ? 'columns named spillway_* are not read, so a template can not name them'
    : undefined;
}

/** @param before stands before the fault in the message, which has up to `mostBytes` */
function checkedText(faultOf: (text: string) => string | undefined, mostBytes: number, before = '') {
  return z.string().check(({ value, issues }) => {
    const fault = faultOf(value);
    if (fault !== undefined) issues.push(customIssue(value, boundedText(before + fault, mostBytes)));
  });
}

/** @returns what is wrong with a destination's prefix as a header's value */
export function faultOfPrefix(prefix: string): string | undefined {
  if (PREFIX.test(prefix)) return undefined;
  return `is not up to ${MAX_PATH_BYTES} printable ASCII characters, its closing slash included`;
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
      const fault = faultOfPrefix(prefix) ?? faultOfPath(path);
      if (fault !== undefined) refuse(`the destination's prefix ${fault}`);
      return { bucket, prefix };
    }),
  );
}

function customIssue(input: string, message: string): z.core.$ZodRawIssue {
  return { code: 'custom', input, message };
}
