// A line of an outcome file, checked: settle keeps an array for a slice's rows and makes a set of each range of numbers. A line
// that another program wrote must not make these larger than any block, or fail settle with an error that names no line.
import { isRecord, parseJson } from '../text/parse-json.ts';
import { OUTCOME_STATUSES, type OutcomeRecord } from './outcome.ts';

/** Above every number of a row in its block, and of a block in its slice: a block has 2,000 rows, a slice has 1 GiB at most. */
const MAX_NUMBER = 100_000_000;
/** Above the rows of any block. */
const MAX_RANGE_NUMBER = 100_000;

type Check = (value: unknown) => boolean;

const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber: Check = (value) => isCount(value) && (value as number) < MAX_NUMBER;
const isText: Check = (value) => typeof value === 'string';
const isDuration: Check = (value) => typeof value === 'number' && value >= 0;
const isStatus: Check = (value) =>
  value === 'returned' || (OUTCOME_STATUSES as readonly unknown[]).includes(value);

/** Fields of other names may come from a later version; they are left alone. */
const CHECKS: ReadonlyMap<string, Check> = new Map([
  ['block', isNumber],
  ['number', isNumber],
  ['status', isStatus],
  ['line', isCount],
  ['item', isItem],
  ['numbers', areRanges],
  ['ms', isDuration],
  ...['bytes', 'attempts', 'throttled', 'returned', 'reposted', 'lastLine'].map(
    (name) => [name, isCount] as const,
  ),
  ...['raw', 'destination', 'etag', 'versionId', 'checksum', 'checksumAlgorithm', 'code', 'message'].map(
    (name) => [name, isText] as const,
  ),
]);
const NEEDED = ['block', 'number', 'status'] as const;
/** Of an outcome; a returned delivery has its requests in their place. */
const NEEDED_OF_OUTCOME = ['line'] as const;
const NEEDED_OF_RETURNED = ['attempts', 'throttled'] as const;

/** @returns what is wrong as text, to follow the line's place */
export function parseOutcomeLine(text: string): OutcomeRecord | string {
  const record = parseJson(text);
  if (record === undefined) return 'is no JSON';
  if (!isRecord(record)) return 'is no JSON object';
  const others = record['status'] === 'returned' ? NEEDED_OF_RETURNED : NEEDED_OF_OUTCOME;
  for (const name of [...NEEDED, ...others]) if (record[name] === undefined) return `has no ${name}`;
  for (const name in record) {
    if (CHECKS.get(name)?.(record[name]) === false) return `has a ${name} that no outcome can have`;
  }
  return record as unknown as OutcomeRecord;
}

/** Its columns by name. Those beside the manifest's own are kept in a member, by name as well. */
function isItem(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { spillway_columns: columns } = value;
  return columns === undefined || isRecord(columns);
}

/** In ascending order, so that a row is meant once. */
function areRanges(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  let next = 0;
  return value.every((range: unknown) => {
    if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount)) return false;
    const [first, last] = range as [number, number];
    const isAfter = first >= next && last >= first && last < MAX_RANGE_NUMBER;
    next = last + 1;
    return isAfter;
  });
}
