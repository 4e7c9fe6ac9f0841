// The ledger's rows as DynamoDB items. One partition key a row and no sort key: a job's writes spread over as many
// partition keys as it has blocks and slices, and DynamoDB's 1,000 writes a second are a limit for each of them alone.
//
//   J#<job>                    the job
//   G#<job>#<group>            a group of slices: the set of those that have settled
//   S#<job>#<slice>            a slice: its place, and the set of its closed blocks with their counts
//   B#<job>#<slice>#<block>    a block: the sets of the numbers that have ended
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type BlockId, GROUP_SLICES, type JobId, type SliceId } from '../job/identity.ts';
import { type Job, type JobFault, jobFault, type RowIntake, type SettledTotals } from '../job/job.ts';
import { completeOptions } from '../job/options.ts';
import type { StoredObject } from '../keys/stored-object.ts';
import type { ByteRange, SlicePlace } from '../manifest/slice-place.ts';
import { type BlockCounts, type BlockRow, decodeCounts } from './tally.ts';

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

export function readBlockRow(item: Attributes): StoredBlockRow {
  return {
    size: number(item['size']),
    movedAtMs: number(item['movedAtMs']),
    openings: number(item['openings']),
    done: numbers(item['done']),
    failed: numbers(item['failed']),
    cancelled: numbers(item['cancelled']),
    rejected: numbers(item['rejected']),
  };
}

export function readSliceRow(item: Attributes): SliceRow {
  const counts = Object.entries(item['counts']?.M ?? {}).map(
    ([block, value]) => [Number(block), decodeCounts(value.S ?? '')] as const,
  );
  const result = item['result']?.S;
  return {
    slice: Number((item['pk']?.S ?? '').split('#').at(-1)),
    place: readPlace(item),
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
    ...(result === undefined ? {} : { result: JSON.parse(result) as SliceResult }),
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

function readPlace(item: Attributes): SlicePlace {
  const file = item['file']?.S;
  const range: ByteRange = {
    startOffset: number(item['startOffset']),
    startLine: number(item['startLine']),
    endOffset: number(item['endOffset']),
  };
  return file === undefined
    ? { kind: 'manifest-bytes', ...range }
    : { kind: 'file-bytes', file: JSON.parse(file) as StoredObject, ...range };
}

/** What of a job never changes after its first sight; kept as one JSON text. */
type FrozenJob = Pick<Job, 'manifest' | 'options' | 'parserVersion' | 'sliceBytes' | 'blockRows'> &
  Pick<Partial<Job>, 'head' | 'files' | 'redriveOf'>;

export function writeJobRow(job: Job): Attributes {
  const frozen: FrozenJob = {
    manifest: job.manifest,
    options: job.options,
    parserVersion: job.parserVersion,
    sliceBytes: job.sliceBytes,
    blockRows: job.blockRows,
    ...(job.redriveOf === undefined ? {} : { redriveOf: job.redriveOf }),
    ...(job.head === undefined ? {} : { head: job.head }),
    ...(job.files === undefined ? {} : { files: job.files }),
  };
  return {
    ...jobKey(job.id),
    listing: { S: 'job' },
    listedAt: { S: listedAtOf(job) },
    frozen: { S: JSON.stringify(frozen) },
    startedAtMs: { N: String(job.startedAtMs) },
    deadlineMs: { N: String(job.deadlineMs) },
    state: { S: job.state },
    control: { S: job.control },
    plan: { S: JSON.stringify(job.plan) },
    ...(job.ending === undefined ? {} : { ending: { S: job.ending } }),
    ...(job.endedAtMs === undefined ? {} : { endedAtMs: { N: String(job.endedAtMs) } }),
    ...(job.totals === undefined ? {} : { totals: { S: JSON.stringify(job.totals) } }),
    ...(job.report === undefined ? {} : { report: { S: job.report } }),
    ...(job.fault === undefined ? {} : { fault: writeFault(job.fault) }),
  };
}

/** The index's order of jobs: by their start. */
export function listedAtOf({ id, startedAtMs }: Pick<Job, 'id' | 'startedAtMs'>): string {
  return `${new Date(startedAtMs).toISOString()}#${id}`;
}

export function writeFault({ code, message }: JobFault): Attributes[string] {
  return { S: JSON.stringify(jobFault(code, message)) };
}

/** An earlier version kept faults of any length. */
function readFault(text: string): JobFault {
  const { code, message } = JSON.parse(text) as JobFault;
  return jobFault(code, message);
}

export function readJobRow(item: Attributes): Job {
  const frozen = JSON.parse(item['frozen']?.S ?? '{}') as FrozenJob;
  return {
    ...frozen,
    options: completeOptions(frozen.options),
    id: (item['pk']?.S ?? '').slice('J#'.length) as JobId,
    state: item['state']?.S as Job['state'],
    control: item['control']?.S as Job['control'],
    startedAtMs: number(item['startedAtMs']),
    deadlineMs: number(item['deadlineMs']),
    plan: JSON.parse(item['plan']?.S ?? '{}') as Job['plan'],
    settledGroups: numbers(item['settledGroups']),
    ...optional('slices', item['slices']?.N, Number),
    ...optional('ending', item['ending']?.S, String),
    ...optional('haltedAtMs', item['haltedAtMs']?.N, Number),
    ...optional('resumedAtMs', item['resumedAtMs']?.N, Number),
    ...optional('endedAtMs', item['endedAtMs']?.N, Number),
    ...optional('progress', item['progress']?.S, JSON.parse),
    ...optional('totals', item['totals']?.S, JSON.parse),
    ...optional('report', item['report']?.S, String),
    ...optional('fault', item['fault']?.S, readFault),
  };
}

function optional<Name extends keyof Job>(
  name: Name,
  text: string | undefined,
  read: (text: string) => unknown,
): Partial<Pick<Job, Name>> {
  return text === undefined ? {} : ({ [name]: read(text) } as Pick<Job, Name>);
}

function number(value: AttributeValue | undefined): number {
  return Number(value?.N ?? 0);
}

function numbers(value: AttributeValue | undefined): Set<number> {
  return new Set((value?.NS ?? []).map(Number));
}
