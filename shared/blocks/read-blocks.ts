// A slice's rows as blocks. Each row is checked: accepted for transfer, or rejected with its reason. The same bytes give the
// same blocks at every reading.
import { faultOfKey } from '../attributes/allowed-keys.ts';
import { createRowAttributes } from '../attributes/row-attributes.ts';
import { type ObjectReader, readRange } from '../aws/object-range.ts';
import type { SliceId } from '../job/identity.ts';
import type { OpenedJob } from '../job/job.ts';
import { createKeyCheck } from '../keys/destination-key.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SliceRow, StoredBlockRow } from '../ledger/rows.ts';
import type { ManifestItem } from '../manifest/columns.ts';
import type { ManifestRow, ReadBytes } from '../manifest/format.ts';
import { formatOf } from '../manifest/formats/all.ts';
import { PlainItem } from '../manifest/plain-row.ts';
import { reportedRowOfJob, rowOfJob } from '../manifest/s3-source.ts';
import { type ByteRange, fileOfPlace } from '../manifest/slice-place.ts';
import { numbersOf, type Outcome } from '../report/outcome.ts';
import type { OutcomeStore } from '../report/outcome-store.ts';
import type { Refusal, SourceConfiguration } from '../sources/source.ts';
import { createSourceCheck } from '../sources/table.ts';
import { createKeySet, type KeySet } from './key-set.ts';
import { createRejectListing, type RejectListing } from './reject-listing.ts';

/**
 * A class, not a literal. Rows of a block are alive at most collections, so V8 makes what such a literal gives in the old generation.
 * There it keeps the row's item and texts alive until the next full collection. Reading 600,000 rows as blocks took 1.9 s of CPU
 * with a literal, and 1.4 s with a class, whose objects V8 does not move (Node 24.21).
 */
export class AcceptedRow {
  readonly number: number;
  readonly line: number;
  readonly item: ManifestItem;

  constructor(number: number, line: number, item: ManifestItem) {
    this.number = number;
    this.line = line;
    this.item = item;
  }
}

export interface Block {
  block: number;
  size: number;
  accepted: AcceptedRow[];
  /** All other rows: an outcome may stand for several of them. */
  rejected: Outcome[];
}

/** The settings of a deployment that decide about rows. */
interface RowChecks {
  /** `unchecked` where no row of these is transferred. */
  sources: SourceConfiguration | 'unchecked';
  /** ARNs of the keys of KMS that the deployment may use; absent: its keys are not known. */
  kmsKeys?: readonly string[];
}

export interface BlockReaderDependencies extends ObjectReader, RowChecks {}

export async function* readSliceBlocks(
  dependencies: BlockReaderDependencies,
  job: OpenedJob,
  { place }: Pick<SliceRow, 'place'>,
): AsyncGenerator<Block> {
  if (place.kind === 'unreadable') throw place.error;
  const file = fileOfPlace(place, job.manifest);
  yield* blocksOf(job, dependencies, place, (start, end) => readRange(dependencies, file, start, end));
}

/** The parts of a job that decide about its rows. */
export type RowRules = Pick<OpenedJob, 'head' | 'options' | 'blockRows' | 'parserVersion' | 'redriveOf'>;

/** The blocks of a slice, wherever its bytes are read. */
export async function* blocksOf(
  job: RowRules,
  checks: RowChecks,
  place: ByteRange,
  read: ReadBytes,
): AsyncGenerator<Block> {
  const listing = createRejectListing(place.startOffset);
  const keys =
    job.options.duplicateKeys === 'reject' ? createKeySet(place.endOffset - place.startOffset) : undefined;
  const fill = createIntake(job, checks, keys, listing);
  let block: Block = { block: 0, size: 0, accepted: [], rejected: [] };
  try {
    for await (const rows of formatOf(job.head).read(job.head, place, read)) {
      for (let taken = 0; taken < rows.length; ) {
        taken = fill(block, rows, taken);
        if (block.size === job.blockRows) {
          yield { ...block, rejected: listing.endBlock() };
          block = { block: block.block + 1, size: 0, accepted: [], rejected: [] };
        }
      }
    }
    if (block.size > 0) yield { ...block, rejected: listing.endBlock() };
  } finally {
    keys?.release();
  }
}

/** Writes the outcomes of the rejected rows, then the block's row. @returns the row, with the rows that have ended already */
export async function openBlock(
  { ledger, outcomes }: { ledger: Pick<Ledger, 'openBlock'>; outcomes: Pick<OutcomeStore, 'write'> },
  slice: SliceId,
  { block, size, rejected }: Block,
  writer = 'ingest',
): Promise<StoredBlockRow> {
  // The name does not depend on the invocation, so a repetition overwrites the same file.
  if (rejected.length > 0) await outcomes.write(slice, `rejected-${block}-${writer}`, rejected);
  return ledger.openBlock({ ...slice, block }, size, rejected.flatMap(numbersOf));
}

/** Those of a plain item: its columns need not be looked at. */
const NO_ATTRIBUTES = {};

/** Puts rows into their block, or into the list of the rejected. */
function createIntake(
  job: RowRules,
  { sources, kmsKeys }: RowChecks,
  keys: KeySet | undefined,
  listing: RejectListing,
) {
  const checkKey = createKeyCheck(job.options);
  const checkSource = sources === 'unchecked' ? undefined : createSourceCheck(sources);
  const attributes = createRowAttributes(job.options);

  /** Takes the key also of a row whose source is refused: which rows are duplicates must not depend on the configuration. */
  const keyFaultOf = (item: ManifestItem, line: number): Refusal | undefined => {
    const checked = checkKey(item);
    if (checked.kind === 'fault') return checked.fault;
    const first = keys?.take(checked.key, line);
    return first === undefined ? undefined : duplicateFault(first);
  };
  const kmsFaultOf = (item: ManifestItem): Refusal | undefined =>
    kmsKeys === undefined || sources === 'unchecked' ? undefined : faultOfKey(attributes.of(item), kmsKeys);
  const faultOf = (item: ManifestItem, line: number): Refusal | undefined => {
    const keyFault = keyFaultOf(item, line);
    const sourceFault = checkSource?.(item);
    const own = item instanceof PlainItem ? NO_ATTRIBUTES : item;
    return sourceFault ?? attributes.faultOf(own) ?? kmsFaultOf(item) ?? keyFault;
  };

  // Rows from a report were read for an earlier job before.
  const readFor = job.redriveOf === undefined ? rowOfJob : reportedRowOfJob;

  type Why = Pick<Outcome, 'code' | 'message' | 'item' | 'raw'>;
  const reject = ({ line, offset }: ManifestRow['place'], { block, size: number }: Block, why: Why): void =>
    listing.add({ block, number, status: 'rejected', line, ...why }, offset);

  const take = (row: ManifestRow, block: Block): void => {
    if (row.kind === 'good') {
      const { line } = row.place;
      const item = readFor(job, row.item);
      const fault = faultOf(item, line);
      if (fault === undefined) block.accepted.push(new AcceptedRow(block.size, line, item));
      else reject(row.place, block, { item, ...fault });
      return;
    }
    const { code, message, columns, raw } = row;
    const content = columns === undefined ? { raw } : { item: readFor(job, columns) };
    reject(row.place, block, { code, message, ...content });
  };
  /**
   * Takes rows from the index `start` on, until the block is full. The loop is not the generator's: there, each row would be
   * wrapped in a result of the iterator (Node 24.21).
   * @returns the index of the first row that is not taken
   */
  return (block: Block, rows: readonly ManifestRow[], start: number): number => {
    const end = Math.min(rows.length, start + job.blockRows - block.size);
    for (const row of rows.slice(start, end)) {
      take(row, block);
      block.size++;
    }
    return end;
  };
}

function duplicateFault(firstLine: number): Refusal {
  return {
    code: 'DuplicateKey',
    message: `the row on line ${firstLine} has the same destination key: leave one of them out, or set the option duplicate-keys to allow`,
  };
}
