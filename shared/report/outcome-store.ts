// Outcomes on their way to the report. They are written before the ledger is, so that everything that the ledger counts can be
// reported. Each invocation writes those of a slice at once, to the place that costs less: a row of a table where they are few,
// a file in S3 where they are many.
import type { SliceId } from '../job/identity.ts';
import type { OutcomeRecord } from './outcome.ts';
import type { OutcomeFiles } from './outcome-files.ts';
import type { OutcomeRow, OutcomeRows } from './outcome-rows.ts';
import { encodeOutcomes, UnreadableOutcomesError } from './outcome-text.ts';

/**
 * Bytes up to which a row costs less. Each KB is a write unit ($0.625 per million) and is stored for 100 days ($0.25 per GB and
 * month), which makes $1.4 per million; a file's PUT and GET make $5.4, whatever its size.
 */
const MOST_ROW_BYTES = 3_800;

/** Where the outcomes of an invocation lie, for a slice. */
export type StoredOutcomes = ({ kind: 'row' } & OutcomeRow) | { kind: 'file'; key: string };

/** For an error: where they lie. */
export function placeOf(stored: StoredOutcomes): string {
  return stored.kind === 'file' ? stored.key : `${stored.name} in the outcomes table`;
}

export type OutcomeStore = ReturnType<typeof createOutcomeStore>;
export type OutcomeWriter = ReturnType<typeof createOutcomeWriter>;

/** The writing half alone, for bundles of functions that read none. */
export function createOutcomeWriter(
  { files, rows }: { files: Pick<OutcomeFiles, 'write'>; rows: Pick<OutcomeRows, 'write'> },
  mostRowBytes = MOST_ROW_BYTES,
) {
  return {
    /** @param name unique for the writer, or the same for the same content: it is overwritten */
    async write(slice: SliceId, name: string, records: readonly OutcomeRecord[]): Promise<void> {
      const bytes = encodeOutcomes(records);
      await (bytes.length <= mostRowBytes ? rows : files).write(slice, name, bytes);
    },
  };
}

export function createOutcomeStore(
  { files, rows }: { files: OutcomeFiles; rows: OutcomeRows },
  mostRowBytes = MOST_ROW_BYTES,
) {
  return {
    ...createOutcomeWriter({ files, rows }, mostRowBytes),

    /** What was written for the slice. Rows come with their bytes: a slice's are a few MB. */
    async list(slice: SliceId): Promise<StoredOutcomes[]> {
      const [inRows, inFiles] = await Promise.all([rows.list(slice), files.list(slice)]);
      return [
        ...inRows.map((row): StoredOutcomes => ({ kind: 'row', ...row })),
        ...inFiles.map((key): StoredOutcomes => ({ kind: 'file', key })),
      ];
    },

    /** The bytes, for readOutcomes. @throws UnreadableOutcomesError */
    async read(stored: StoredOutcomes): Promise<Uint8Array> {
      if (stored.kind === 'file') return files.read(stored.key);
      if (stored.bytes === undefined)
        throw new UnreadableOutcomesError(placeOf(stored), 'the item holds no bytes');
      return stored.bytes;
    },
  };
}
