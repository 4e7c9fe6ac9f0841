// The manifests of a chaos run, and for each of their rows what must become of it: known from the seed alone, never from
// what the pipeline did.
import { destinationKey, parseSpread } from '../../shared/keys/spread.ts';
import type { Random } from '../../shared/time/random.ts';
import { COPIED_IN_PARTS_ABOVE } from './setting.ts';

/** What a row must end as, whatever fails meanwhile. A good row may also fail, but only because its workers died. */
export type Fate =
  | { kind: 'good'; bytes: Uint8Array }
  /** Its source does not exist. */
  | { kind: 'hopeless' }
  | { kind: 'bad' };

export interface ChaosRow {
  /** In its manifest, from 1. */
  line: number;
  key: string;
  /** Where its object belongs. */
  destination: string;
  fate: Fate;
  /** The object that it copies, to be there before. */
  source?: { key: string; bytes: Uint8Array };
}

export interface ChaosJob {
  /** Of the manifest in the inbox. */
  key: string;
  body: string;
  contentType: string;
  options: Record<string, string>;
  rows: ChaosRow[];
}

interface Variant {
  format: 'csv' | 'ndjson';
  spread: string;
  ifExists: string;
}

/** What jobs differ in, each in turn. */
const VARIANTS: readonly Variant[] = [
  { format: 'csv', spread: 'binary', ifExists: 'overwrite' },
  { format: 'ndjson', spread: 'hex:2', ifExists: 'fail' },
  { format: 'csv', spread: 'off', ifExists: 'skip' },
  { format: 'ndjson', spread: 'binary', ifExists: 'overwrite' },
  { format: 'csv', spread: 'hex:1', ifExists: 'fail' },
];
const LEAST_ROWS_PER_JOB = 200;

/** Shares of the rows; the rest carry text. */
const BASE64_SHARE = 0.2;
const COPY_SHARE = 0.18;
const HOPELESS_SHARE = 0.03;
const BAD_SHARE = 0.04;
const MOST_BYTES = 600;
/** Copies in parts: few, for each of them takes as many bytes as all other rows together. */
const LARGE_SHARE = 0.02;
const LARGE_PER_JOB = 2;
const LARGE_BYTES = COPIED_IN_PARTS_ABOVE * 2;
/** A prime number: so that no two parts of an object have the same bytes. */
const PATTERN_BYTES = 61;

/** S3 takes any of them, and each has been mangled by some program on the way. */
const ODD_KEYS: readonly ((name: string) => string)[] = [
  (name) => `with spaces/${name} and more`,
  (name) => `a+b/${name}+`,
  (name) => `100%25/%/${name}%2F`,
  (name) => `größe/日本語/${name}`,
  (name) => `../up/${name}`,
  (name) => `dots/../${name}/./x`,
  (name) => `emoji-😀/${name}`,
  (name) => `"quoted", 'too'/${name}`,
  (name) => `query?a=1&b=${name}#fragment`,
  (name) => `double//${name}`,
  (name) => `marks~!*()${name};:@=$`,
  (name) => `e\u0301 is not \u00e9/${name}`,
];
const ODD_SHARE = 0.3;

export interface Places {
  destination: string;
  source: string;
}

/** Jobs whose rows come to `items`, bad ones included. */
export function planJobs(items: number, random: Random, places: Places): ChaosJob[] {
  const count = Math.max(1, Math.min(VARIANTS.length, Math.floor(items / LEAST_ROWS_PER_JOB)));
  return Array.from({ length: count }, (_, index) => {
    const rows = Math.floor(items / count) + (index < items % count ? 1 : 0);
    return planJob(index, rows, random, places);
  });
}

function planJob(index: number, count: number, random: Random, { destination, source }: Places): ChaosJob {
  const variant = VARIANTS[index % VARIANTS.length] as Variant;
  const isCsv = variant.format === 'csv';
  const prefix = `job-${index}/`;
  const write = isCsv ? csvRow : ndjsonRow;
  const bad = isCsv ? BAD_CSV : BAD_NDJSON;
  const lines = isCsv ? ['key,source,text,base64,size'] : [];
  const rows: ChaosRow[] = [];
  // A quoted field may hold line ends.
  let line = lines.length + 1;
  let largeLeft = LARGE_PER_JOB;

  for (let number = 0; number < count; number += 1) {
    const key = keyOf(number, random);
    const { fate, payload, copies } = planRow(number, random, source, largeLeft > 0);
    if ('size' in payload) largeLeft -= 1;
    const badRow = bad[number % bad.length] as (key: string) => string;
    const text = fate.kind === 'bad' ? badRow(key) : write({ key, ...payload });
    rows.push({
      line,
      key,
      destination: destinationOf(key, variant, prefix),
      fate,
      ...(copies === undefined ? {} : { source: copies }),
    });
    lines.push(text);
    line += text.split('\n').length;
  }
  return {
    key: `chaos-${index}.${variant.format}`,
    body: `${lines.join('\n')}\n`,
    contentType: isCsv ? 'text/csv' : 'application/x-ndjson',
    options: {
      destination: `s3://${destination}/${prefix}`,
      spread: variant.spread,
      'if-exists': variant.ifExists,
      'max-failed-percent': '100',
    },
    rows,
  };
}

function keyOf(number: number, random: Random): string {
  const name = String(number).padStart(6, '0');
  if (random() >= ODD_SHARE) return `plain/${name}`;
  const odd = ODD_KEYS[Math.floor(random() * ODD_KEYS.length)] as (name: string) => string;
  return odd(name);
}

type Payload =
  | { text: string }
  | { base64: string }
  | { source: string; size?: number }
  | Record<never, never>;

function planRow(
  number: number,
  random: Random,
  sourceBucket: string,
  mayBeLarge: boolean,
): { fate: Fate; payload: Payload; copies?: { key: string; bytes: Uint8Array } } {
  let drawn = random();
  const isOf = (share: number): boolean => {
    drawn -= share;
    return drawn < 0;
  };
  const bytes = Uint8Array.from({ length: 1 + Math.floor(random() * MOST_BYTES) }, () => random() * 256);
  if (isOf(BAD_SHARE)) return { fate: { kind: 'bad' }, payload: {} };
  const sourceKey = keyOf(number, random);
  if (isOf(HOPELESS_SHARE)) {
    return { fate: { kind: 'hopeless' }, payload: { source: `s3://${sourceBucket}/missing/${sourceKey}` } };
  }
  const copyOf = (copied: Uint8Array, size?: number) => {
    // Every job has its own: a source that is shared would hide a copy of the wrong one.
    const key = `${Buffer.from(bytes.subarray(0, 6)).toString('hex')}/${sourceKey}`;
    return {
      fate: { kind: 'good' as const, bytes: copied },
      payload: { source: `s3://${sourceBucket}/${key}`, ...(size === undefined ? {} : { size }) },
      copies: { key, bytes: copied },
    };
  };
  if (isOf(COPY_SHARE)) return copyOf(bytes);
  if (isOf(LARGE_SHARE) && mayBeLarge) {
    const size = LARGE_BYTES + bytes.length;
    const pattern = Uint8Array.from({ length: PATTERN_BYTES }, () => random() * 256);
    return copyOf(Buffer.alloc(size, pattern), size);
  }
  if (isOf(BASE64_SHARE)) {
    return { fate: { kind: 'good', bytes }, payload: { base64: Buffer.from(bytes).toString('base64') } };
  }
  const text = `row ${number}, "of" ${Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[\0\r]/g, ' ')}`;
  return { fate: { kind: 'good', bytes: Buffer.from(text) }, payload: { text } };
}

function destinationOf(key: string, { spread }: Variant, prefix: string): string {
  const parsed = parseSpread(spread);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return destinationKey(key, parsed.spread, prefix);
}

interface RowFields {
  key: string;
  source?: string;
  text?: string;
  base64?: string;
  size?: number;
}

function csvRow({ key, source = '', text = '', base64 = '', size }: RowFields): string {
  return [key, source, text, base64, String(size ?? '')].map(csvField).join(',');
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function ndjsonRow(fields: RowFields): string {
  return JSON.stringify(fields);
}

const BAD_CSV: readonly ((key: string) => string)[] = [
  (key) => csvRow({ key }),
  () => csvRow({ key: '', text: 'no key' }),
  (key) => csvRow({ key, text: 'both', base64: 'Ym90aA==' }),
  (key) => csvRow({ key, base64: 'no base64' }),
  (key) => csvRow({ key, source: 's3://not-allowed/x' }),
  (key) => `${csvField(key)},,too,many,fields,here`,
];

const BAD_NDJSON: readonly ((key: string) => string)[] = [
  (key) => ndjsonRow({ key }),
  () => '{"text":"no key"}',
  (key) => JSON.stringify({ key, text: [7] }),
  () => '{"key":',
  () => '["key"]',
  (key) => JSON.stringify({ key, text: 'x', colour: 'unknown' }),
  (key) => ndjsonRow({ key, source: 's3://not-allowed/x' }),
];
