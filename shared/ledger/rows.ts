// The ledger's rows as DynamoDB items. One partition key a row and no sort key: a job's writes spread over as many
// partition keys as it has blocks and slices, and DynamoDB's 1,000 writes a second are a limit for each of them alone.
//
//   J#<job>                    the job (job-row-format.ts)
//   G#<job>#<group>            a group of slices: the set of those that have settled
//   S#<job>#<slice>            a slice: its place, and the set of its closed blocks with their counts
//   B#<job>#<slice>#<block>    a block: the sets of the numbers that have ended (compaction.ts)
//   R#<job>, T#<job>           what sweep remembers (rounds.ts), and the schedule of a job's turns and slices (schedules.ts)
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type BlockId, GROUP_SLICES, type JobId, type SliceId } from '../job/identity.ts';
import { ROW_COUNTS, type RowIntake, type SettledTotals } from '../job/job.ts';
import type { StoredObject } from '../keys/stored-object.ts';
import type { ByteRange, SlicePlace } from '../manifest/slice-place.ts';
import { readCompacted } from './compaction.ts';
import { encodeNumbers } from './row-numbers.ts';
import { type BlockCounts, type BlockRow, decodeCounts, type RowEnd } from './tally.ts';
import { parseStoredJson, UnreadableRowError } from './unreadable-row.ts';

export type Attributes = Record<string, AttributeValue>;

export const jobKey = (job: JobId): Attributes => ({ pk: { S: `J#${job}` } });
export const sliceGroupKey = (job: JobId, group: number): Attributes => ({ pk: { S: `G#${job}#${group}` } });
export const sliceKey = ({ job, slice }: SliceId): Attributes => ({ pk: { S: `S#${job}#${slice}` } });
export const blockKey = ({ job, slice, block }: BlockId): Attributes => ({
  pk: { S: `B#${job}#${slice}#${block}` },
});

/** The key under which readBlocks answers a block. */
export function blockName(id: BlockId): string {
  return blockKey(id)['pk']?.S ?? '';
}

/** A file of the report. */
export interface ReportFile {
  kind: 'succeeded' | 'failed' | 'rejected';
  key: string;
  rows: number;
  bytes: number;
  /** SHA-256 of the file, hex. */
  sha256: string;
}

export interface SliceResult {
  totals: SettledTotals;
  files: ReportFile[];
}

/** A place that another program damaged: the slice can't be read again, but what it sent can still be counted and settled. */
export interface UnreadablePlace {
  kind: 'unreadable';
  error: UnreadableRowError;
}

export interface SliceRow {
  /** Its number. */
  slice: number;
  place: SlicePlace | UnreadablePlace;
  rows: number;
  blocks: number;
  sentBlocks: ReadonlySet<number>;
  closedBlocks: ReadonlySet<number>;
  counts: ReadonlyMap<number, BlockCounts>;
  /** Rows that ingest has read, from its start; absent until the first of them are sent. */
  intake?: RowIntake;
  /** Epoch ms of the row's last change: planned, sent, a block closed, replayed. */
  movedAtMs: number;
  /** How often its rows were sent again, and epoch ms of the last time: 0 where they never were. */
  replays: number;
  replayedAtMs: number;
  /** The number of the last request that the slice made for itself, held by its job's rate. Absent: it was never held. */
  asks?: number;
  result?: SliceResult;
  /** The result as it is stored, where it can't be read: settle makes it again from the outcomes. */
  damagedResult?: AttributeValue;
}

/** `size` is infinite where it can't be read: the block does not close, and the next replay of its slice writes it again. */
export interface StoredBlockRow extends BlockRow {
  /** Epoch ms of the row's last change: opened, or rows ended. */
  movedAtMs: number;
  /** How often it was opened, counting lost answers twice. From the second time on, its messages may be sent already. */
  openings: number;
}

export interface SliceGroupRow {
  /** Slices that it is to hold: all but a job's last group are full. */
  size: number;
  /** Numbers within the group. */
  settled: ReadonlySet<number>;
}

export function readSliceGroupRow(item: Attributes): SliceGroupRow {
  return {
    size: item['size'] === undefined ? GROUP_SLICES : number(item['size']),
    settled: numbers(item['settled']),
  };
}

export function writeEnds(numbers: readonly number[]): AttributeValue {
  return { BS: [encodeNumbers(numbers)] };
}

export function readBlockRow(item: Attributes): StoredBlockRow {
  const size = count(item['size']) ?? Number.POSITIVE_INFINITY;
  return {
    size,
    movedAtMs: number(item['movedAtMs']),
    openings: number(item['openings']),
    done: readEnds(item, 'done', size),
    failed: readEnds(item, 'failed', size),
    cancelled: readEnds(item, 'cancelled', size),
    rejected: readEnds(item, 'rejected', size),
  };
}

/** A number that no row of the block has would close the block for a row that has not ended. */
function readEnds(item: Attributes, end: RowEnd, size: number): Set<number> {
  const ended = numbers(item[end]);
  for (const number of readCompacted(item, end)) ended.add(number);
  for (const number of ended) if (number >= size) ended.delete(number);
  return ended;
}

/** @returns undefined where the row can't be read: sweep names it, and whatever does not depend on it goes on */
export function readableSliceRow(item: Attributes): SliceRow | undefined {
  const row = unlessUnreadable(() => readSliceRow(item));
  return row instanceof UnreadableRowError ? undefined : row;
}

/** @throws UnreadableRowError where the row does not say how many rows and blocks the slice has: then it can't be accounted for */
export function readSliceRow(item: Attributes): SliceRow {
  const row = rowName(item);
  const counts = Object.entries(item['counts']?.M ?? {}).map(
    ([block, value]) => [Number(block), decodeCounts(value.S ?? '')] as const,
  );
  const [rows, blocks] = [count(item['rows']), count(item['blocks'])];
  if (rows === undefined || blocks === undefined)
    throw new UnreadableRowError(row, `has no number of ${rows === undefined ? 'rows' : 'blocks'}`);
  return {
    slice: Number((item['pk']?.S ?? '').split('#').at(-1)),
    place: readPlace(item, row),
    rows,
    blocks,
    sentBlocks: numbers(item['sent']),
    closedBlocks: numbers(item['closed']),
    counts: new Map(counts),
    ...(item['readRows'] === undefined
      ? {}
      : { intake: { read: number(item['readRows']), rejected: number(item['rejectedRows']) } }),
    movedAtMs: number(item['movedAtMs']),
    replays: number(item['replays']),
    replayedAtMs: number(item['replayedAtMs']),
    ...(item['asks'] === undefined ? {} : { asks: number(item['asks']) }),
    ...readResult(item['result'], row),
  };
}

function readResult(
  stored: AttributeValue | undefined,
  row: string,
): Pick<SliceRow, 'result' | 'damagedResult'> {
  if (stored === undefined) return {};
  const result = unlessUnreadable(() => parseStoredJson<SliceResult>(row, 'result', stored.S ?? ''));
  return result instanceof UnreadableRowError || !isSliceResult(result)
    ? { damagedResult: stored }
    : { result };
}

function isSliceResult({ totals, files }: Partial<SliceResult>): boolean {
  const counts: readonly unknown[] = ROW_COUNTS.map((name) => totals?.[name]);
  return Array.isArray(files) && counts.every((value) => Number.isSafeInteger(value));
}

function unlessUnreadable<Value>(read: () => Value): Value | UnreadableRowError {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableRowError) return error;
    throw error;
  }
}

/** A place's kind is not stored: a range with a `file` is of that file, one without is of the manifest. */
export function writePlace(place: SlicePlace): Attributes {
  return {
    ...(place.kind === 'file-bytes' ? { file: { S: JSON.stringify(place.file) } } : {}),
    startOffset: { N: String(place.startOffset) },
    startLine: { N: String(place.startLine) },
    endOffset: { N: String(place.endOffset) },
  };
}

function readPlace(item: Attributes, row: string): SliceRow['place'] {
  const { file } = item;
  const [startOffset, endOffset] = [count(item['startOffset']), count(item['endOffset'])];
  if (startOffset === undefined || endOffset === undefined)
    return { kind: 'unreadable', error: new UnreadableRowError(row, 'has no range of bytes') };
  const range: ByteRange = { startOffset, startLine: number(item['startLine']), endOffset };
  if (file === undefined) return { kind: 'manifest-bytes', ...range };
  const read = unlessUnreadable(() => parseStoredJson<StoredObject>(row, 'file', file.S ?? ''));
  return read instanceof UnreadableRowError
    ? { kind: 'unreadable', error: read }
    : { kind: 'file-bytes', file: read, ...range };
}

/** `S#job#slice` as "slice job/slice". */
function rowName(item: Attributes): string {
  return `slice ${(item['pk']?.S ?? '').slice('S#'.length).replace('#', '/')}`;
}

/** @returns undefined where it is no count */
function count(value: AttributeValue | undefined): number | undefined {
  const read = Number(value?.N);
  return Number.isSafeInteger(read) && read >= 0 ? read : undefined;
}

function number(value: AttributeValue | undefined): number {
  return Number(value?.N ?? 0);
}

export function numbers(value: AttributeValue | undefined): Set<number> {
  return new Set((value?.NS ?? []).map(Number));
}
