// A slice's files of the report, merged from its outcome files in two passes: the first finds each row's outcome, the second
// writes it. The memory that it takes does not grow with the rows, except by 17 bytes for each. Files are kept for the second
// pass as long as there is room; the others are read again.
import pMap from 'p-map';
import { emptyTotals, type OpenedJob, type SettledTotals } from '../../shared/job/job.ts';
import type { ReportFile, SliceResult, SliceRow } from '../../shared/ledger/rows.ts';
import { type Outcome, type OutcomeRecord, rowCountOf } from '../../shared/report/outcome.ts';
import { placeOf, type StoredOutcomes } from '../../shared/report/outcome-store.ts';
import {
  type ReadOutcomes,
  readOutcomes,
  UnreadableOutcomesError,
} from '../../shared/report/outcome-text.ts';
import type { ReportDependencies } from '../../shared/report/report.ts';
import { boundedList } from '../../shared/text/bounded.ts';
import { createOutcomeMerge, type OutcomePlace } from './merge-outcomes.ts';
import { createReportFile, type ReportFileWriter } from './report-file.ts';
import { fileOf, reportRow } from './report-rows.ts';

/** Outcome files read at once; each holds one invocation's outcomes. */
const READ_CONCURRENCY = 32;
/** Bytes that are kept for the second pass, as they are stored. A slice of 128,000 rows whose keys have 100 bytes has about 8 MB. */
const KEEP_BYTES = 256 * 1024 * 1024;

export interface SliceReportOptions {
  job: Pick<OpenedJob, 'id' | 'blockRows' | 'options'>;
  slice: Pick<SliceRow, 'slice' | 'rows'>;
  /** Makes the files' names unique: of two settles at once only one's result is frozen, with its own files. */
  writer: string;
  /** Whether a slice with damaged outcomes is settled without them; else they are an error. */
  booksDamaged: boolean;
  /** Books rows that no outcome file has, counted from the slice's start: an outcome for each. */
  book(rows: ReadonlySet<number>, damage: OutcomeDamage | undefined): AsyncIterable<Outcome>;
}

/** The damage that was found in the outcomes. */
export interface OutcomeDamage {
  places: number;
  faults: string;
}

export async function writeSliceReport(
  { s3, bucket, outcomes }: ReportDependencies,
  { job, slice, writer, booksDamaged, book }: SliceReportOptions,
): Promise<SliceResult> {
  const stored = await outcomes.list({ job: job.id, slice: slice.slice });
  const read = keeping((each) => outcomes.read(each), KEEP_BYTES);
  const merge = createOutcomeMerge(slice.rows, job.blockRows);
  const faults: UnreadableOutcomesError[] = [];
  await eachFile(read, stored, async ({ records, fault }, number) => {
    if (fault !== undefined && !booksDamaged) throw fault;
    if (fault !== undefined) faults.push(fault);
    eachLine(records, number, (record, at) => {
      if (record.status === 'returned') merge.addReturned(record);
      else merge.consider(record, at);
    });
  });

  const totals: SettledTotals = { ...emptyTotals(), rows: slice.rows };
  const files = new Map<ReportFile['kind'], ReportFileWriter>();
  const add = (chosen: Outcome) => {
    const outcome = merge.withReturned(chosen);
    countOutcome(totals, outcome);
    const kind = fileOf(outcome, job.options.report);
    if (kind === undefined) return;
    const key = `jobs/${job.id}/${kind}/${String(slice.slice).padStart(6, '0')}-${writer}.ndjson`;
    const file = files.get(kind) ?? createReportFile({ s3, bucket }, kind, key);
    files.set(kind, file);
    file.add(reportRow(outcome));
  };
  const flush = () => Promise.all([...files.values()].map((file) => file.flush()));
  try {
    await eachFile(read, stored, async ({ records }, number) => {
      eachLine(records, number, (record, at) => {
        const chosen = record.status === 'returned' ? undefined : merge.chosen(record, at);
        if (chosen !== undefined) add(chosen);
      });
      await flush();
    });
    const missing = new Set(merge.missing());
    if (missing.size > 0) {
      for await (const outcome of book(missing, damageOf(faults))) {
        add(outcome);
        await flush();
      }
    }
    const written = await Promise.all([...files.values()].map((file) => file.close()));
    return { totals, files: written.filter((file) => file !== undefined) };
  } catch (error) {
    // What can't be aborted either is left to the bucket's lifecycle rule.
    await Promise.allSettled([...files.values()].map((file) => file.abort()));
    throw error;
  }
}

type ReadFile = (stored: StoredOutcomes) => Promise<Uint8Array>;

/** Reads files, and keeps them for the next read up to so many bytes in all. */
function keeping(read: ReadFile, mostBytes: number): ReadFile {
  const kept = new Map<StoredOutcomes, Uint8Array>();
  let bytes = 0;
  return async (stored) => {
    const file = kept.get(stored) ?? (await read(stored));
    if (!kept.has(stored) && bytes + file.length <= mostBytes) {
      kept.set(stored, file);
      bytes += file.length;
    }
    return file;
  };
}

/** Files are read side by side, so in no order; each keeps its number. */
async function eachFile(
  read: ReadFile,
  stored: readonly StoredOutcomes[],
  visit: (file: ReadOutcomes, number: number) => Promise<void>,
): Promise<void> {
  await pMap(stored, async (each, number) => visit(await readFile(read, each), number), {
    concurrency: READ_CONCURRENCY,
  });
}

async function readFile(read: ReadFile, stored: StoredOutcomes): Promise<ReadOutcomes> {
  try {
    return readOutcomes(await read(stored), placeOf(stored));
  } catch (error) {
    if (error instanceof UnreadableOutcomesError) return { records: [], fault: error };
    throw error;
  }
}

function damageOf(faults: readonly UnreadableOutcomesError[]): OutcomeDamage | undefined {
  if (faults.length === 0) return undefined;
  return { places: faults.length, faults: boundedList(faults.map(({ message }) => message)) };
}

function eachLine(
  file: readonly OutcomeRecord[],
  number: number,
  visit: (record: OutcomeRecord, at: OutcomePlace) => void,
): void {
  for (const [line, record] of file.entries()) visit(record, { file: number, line });
}

function countOutcome(totals: SettledTotals, outcome: Outcome): void {
  totals[outcome.status] += rowCountOf(outcome);
  totals.attempts += outcome.attempts ?? 0;
  totals.throttled += outcome.throttled ?? 0;
  totals.returned += outcome.returned ?? 0;
  totals.reposted += outcome.reposted ?? 0;
  if (outcome.status === 'stored') totals.bytes += outcome.bytes ?? 0;
}
