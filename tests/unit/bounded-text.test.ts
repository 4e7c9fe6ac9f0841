// Texts of others, cut to what rows, answers, events and log lines can hold.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { readSubmission } from '../../functions/api/read-submission.ts';
import { boundedField } from '../../functions/runtime/telemetry.ts';
import { classifyFault } from '../../shared/aws/classify.ts';
import { jobFault } from '../../shared/job/job.ts';
import { parseJobOptions } from '../../shared/job/options.ts';
import { parseUploadMessage } from '../../shared/queue/messages.ts';
import {
  boundedList,
  boundedText,
  boundedWithTail,
  describeIssues,
  MAX_TEXT_BYTES,
} from '../../shared/text/bounded.ts';
import { codePoint } from '../helpers/outside-values.ts';

const LONG = 'x'.repeat(257 * 1024);
const bytes = (text: string) => Buffer.byteLength(text);

describe('boundedText', () => {
  it('is the text, or at most so many bytes of it: cut at a character, with a mark that says so', () => {
    const anyText = fc.oneof(
      fc.string({ unit: codePoint, maxLength: 200 }),
      fc.string({ unit: fc.constantFrom('a', 'ü', '日', '😀'), maxLength: 2_000 }),
    );
    fc.assert(
      fc.property(anyText, fc.integer({ min: 40, max: 1_500 }), (text, most) => {
        const bounded = boundedText(text, most);
        if (bytes(text) <= most) expect(bounded).toBe(text);
        else {
          expect(bytes(bounded)).toBeLessThanOrEqual(most);
          const [, kept = '', length] = /^(.*)… \[cut, (\d+) bytes\]$/s.exec(bounded) ?? [];
          expect(Number(length)).toBe(bytes(text));
          expect(text.startsWith(kept)).toBe(true);
          // No more than a character and the mark are missing.
          expect(bytes(kept)).toBeGreaterThan(most - 30);
        }
        expect(boundedText(bounded, most)).toBe(bounded);
      }),
    );
  });

  it('keeps the end of a text that ends in its remedy', () => {
    const bounded = boundedWithTail(LONG, '; drop the manifest again');
    expect(bytes(bounded)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    expect(bounded).toMatch(/^x+… \[cut, 263168 bytes\]; drop the manifest again$/);
  });
});

it('lists ten, and how many more there are', () => {
  expect(boundedList(['a', 'b'])).toBe('a; b');
  expect(boundedList(Array.from({ length: 25 }, (_, index) => String(index)))).toBe(
    '0; 1; 2; 3; 4; 5; 6; 7; 8; 9; and 15 more',
  );
});

it("describes a schema's issues, each by its place, in a text that is bounded", () => {
  const schema = z.strictObject({ rows: z.array(z.strictObject({ key: z.string() })) });
  const rows = Array.from({ length: 500 }, () => ({ [LONG]: 1 }));
  const { error } = schema.safeParse({ rows });
  const text = describeIssues(error?.issues ?? [], 'body');
  expect(bytes(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
  expect(text).toMatch(/^rows\.0\.key: .+; rows\.0: unknown "x+… \[cut/);
  expect(describeIssues(schema.safeParse(1).error?.issues ?? [], 'body')).toMatch(/^body: /);
});

describe.each<[string, () => string]>([
  ['a fault of S3', () => classifyFault(new Error(LONG)).message],
  ['its code', () => classifyFault({ name: LONG, $metadata: { httpStatusCode: 400 } }).code],
  ["a job's fault", () => jobFault('X', LONG).message],
  ['an unknown option', () => messageOf(parseJobOptions({ [LONG]: '1' }, ['b-1']))],
  ['many unknown options', () => messageOf(parseJobOptions(manyNames(), ['b-1']))],
  ['a destination', () => messageOf(parseJobOptions({ destination: LONG }, ['b-1']))],
  ['a spread', () => messageOf(parseJobOptions({ spread: LONG }, ['b-1']))],
  ['a content type', () => messageOf(submission(LONG, undefined))],
  ['a member of a submission', () => messageOf(submission('application/json', { rows: [{}], [LONG]: 1 }))],
  [
    'an option of one',
    () => messageOf(submission('application/json', { rows: [{}], options: { [LONG]: [] } })),
  ],
  ['members of a message', () => reasonOf(parseUploadMessage(JSON.stringify(manyNames())))],
  ['a log field', () => String(boundedField('reason', LONG))],
])('of %s that is too long', (_, text) => {
  it('is bounded', () => {
    expect(text()).toMatch(/\[cut, \d+ bytes\]|and \d+ more/);
    expect(bytes(text())).toBeLessThanOrEqual(MAX_TEXT_BYTES);
  });
});

it('still names the options that there are, behind unknown ones', () => {
  expect(messageOf(parseJobOptions(manyNames(), ['b-1']))).toMatch(/the options are destination, spread/);
});

it('cuts long lists in log lines, and says how many more there were', () => {
  const cut = boundedField(
    'faults',
    Array.from({ length: 1_000 }, () => 'fault'),
  ) as string[];
  expect([cut.length, cut.at(-1)]).toEqual([51, 'and 950 more']);
});

function manyNames(): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: 1_000 }, (_, index) => [`name-${index}-${LONG.slice(0, 2_000)}`, '1']),
  );
}

function submission(contentType: string, value: unknown) {
  return readSubmission({
    contentType,
    options: {},
    body: { kind: 'json', value, text: JSON.stringify(value) },
  });
}

function messageOf(result: { kind: string; message?: string }): string {
  return result.message ?? result.kind;
}

function reasonOf(parsed: { kind: string; reason?: string }): string {
  return parsed.reason ?? parsed.kind;
}
