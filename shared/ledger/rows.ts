// The ledger's rows as DynamoDB items. One partition key a row and no sort key: a job's writes spread over as many
// partition keys as it has blocks and slices, and DynamoDB's 1,000 writes a second are a limit for each of them alone.
//
//   J#<job>                    the job (job-row-format.ts)
//   G#<job>#<group>            a group of slices: the set of those that have settled
//   S#<job>#<slice>            a slice: its place, and the set of its closed blocks with their counts
//   B#<job>#<slice>#<block>    a block: the sets of the numbers that have ended (row-numbers.ts)
//   R#<job>, T#<job>           what sweep remembers (rounds.ts), and the turns of a job that has a rate (turns.ts)
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type BlockId, GROUP_SLICES, type JobId, type SliceId } from '../job/identity.ts';
import type { RowIntake, SettledTotals } from '../job/job.ts';
import type { StoredObject } from '../keys/stored-object.ts';
import type { ByteRange, SlicePlace } from '../manifest/slice-place.ts';
import { decodeNumbers, encodeNumbers } from './row-numbers.ts';
import { type BlockCounts, type BlockRow, decodeCounts, type RowEnd } from './tally.ts';
import { parseStoredJson, UnreadableRowError } from './unreadable-row.ts';

export type Attributes = Record<string, AttributeValue>;

export const jobKey = (job: JobId): Attributes => ({ pk: { S: `J#${job}` } });
export const groupKey = (job: JobId, group: number): Attributes => ({ pk: { S: `G#${job}#${group}` } });
export const sliceKey = ({ job, slice }: SliceId): Attributes => ({ pk: { S: `S#${job}#${slice}` } });
export const blockKey = ({ job, slice, block }: BlockId): Attributes => ({
  pk: { S: `B#${job}#${slice}#${block}` },
});

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

export interface SliceRow {
  /** Its number. */
  slice: number;
  place: SlicePlace;
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
}

export interface StoredBlockRow extends BlockRow {
  /** Epoch ms of the row's last change: opened, or rows ended. */
  movedAtMs: number;
  /** How often it was opened, or once more for each answer that was lost: at the second time its messages may be out already. */
  openings: number;
}

export interface GroupRow {
  /** Slices that it is to hold: all but a job's last group are full. */
  size: number;
  /** Numbers within the group. */
  settled: ReadonlySet<number>;
}

export function readGroupRow(item: Attributes): GroupRow {
  return {
    size: item['size'] === undefined ? GROUP_SLICES : number(item['size']),
    settled: numbers(item['settled']),
  };
}

/**
 * The attribute of rows that ended so: a binary set. An earlier version kept number sets under the ends' own names, and a job that
 * began under it has both.
 */
export const endsAttribute = (end: RowEnd): `${RowEnd}Rows` => `${end}Rows`;

export function writeEnds(numbers: readonly number[]): AttributeValue {
  return { BS: [encodeNumbers(numbers)] };
}

/** @throws UnreadableRowError */
export function readBlockRow(item: Attributes): StoredBlockRow {
  return {
    size: number(item['size']),
    movedAtMs: number(item['movedAtMs']),
    openings: number(item['openings']),
    done: readEnds(item, 'done'),
    failed: readEnds(item, 'failed'),
    cancelled: readEnds(item, 'cancelled'),
    rejected: readEnds(item, 'rejected'),
  };
}

function readEnds(item: Attributes, end: RowEnd): Set<number> {
  const name = endsAttribute(end);
  const ended = numbers(item[end]);
  for (const member of item[name]?.BS ?? []) {
    const rows = decodeNumbers(member);
    if (rows === undefined)
      throw new UnreadableRowError(rowName(item), `has ${name} that are no numbers of rows`);
    for (const row of rows) ended.add(row);
  }
  return ended;
}

/** @throws UnreadableRowError */
export function readSliceRow(item: Attributes): SliceRow {
  const row = rowName(item);
  const counts = Object.entries(item['counts']?.M ?? {}).map(
    ([block, value]) => [Number(block), decodeCounts(value.S ?? '')] as const,
  );
  const result = item['result']?.S;
  return {
    slice: Number((item['pk']?.S ?? '').split('#').at(-1)),
    place: readPlace(item, row),
    rows: number(item['rows']),
    blocks: number(item['blocks']),
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
    ...(result === undefined ? {} : { result: parseStoredJson<SliceResult>(row, 'result', result) }),
  };
}

/** A place's kind is not stored: a range with a `file` is of that file, one without is of the manifest. */
export function writePlace(place: SlicePlace): Attributes {
  switch (place.kind) {
    case 'manifest-bytes':
      return writeRange(place);
    case 'file-bytes':
      return { file: { S: JSON.stringify(place.file) }, ...writeRange(place) };
  }
}

function writeRange({ startOffset, startLine, endOffset }: ByteRange): Attributes {
  return {
    startOffset: { N: String(startOffset) },
    startLine: { N: String(startLine) },
    endOffset: { N: String(endOffset) },
  };
}

function readPlace(item: Attributes, row: string): SlicePlace {
  const file = item['file']?.S;
  const range: ByteRange = {
    startOffset: number(item['startOffset']),
    startLine: number(item['startLine']),
    endOffset: number(item['endOffset']),
  };
  return file === undefined
    ? { kind: 'manifest-bytes', ...range }
    : { kind: 'file-bytes', file: parseStoredJson<StoredObject>(row, 'file', file), ...range };
}

/** `S#job#slice` as "slice job/slice", and `B#job#slice#block` as "block job/slice/block". */
function rowName(item: Attributes): string {
  const [kind, ...place] = (item['pk']?.S ?? '').split('#');
  return `${kind === 'B' ? 'block' : 'slice'} ${place.join('/')}`;
}

function number(value: AttributeValue | undefined): number {
  return Number(value?.N ?? 0);
}

export function numbers(value: AttributeValue | undefined): Set<number> {
  return new Set((value?.NS ?? []).map(Number));
}
