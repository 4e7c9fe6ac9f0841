// The formats that the benchmark of ingest reads. Plain text is made while it is read. What ingest has to convert first is a file
// on disk, and so is each unit's text while its rows are read: on AWS both are in S3.
import { createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { fileWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { openConvertible, readFileRange, type TakePart } from '../convertible.ts';
import { type BenchManifest, rowOf, textManifest } from './manifests.ts';

/** Those that are measured where none is named; the first one's figures are the result's own. */
export const USUAL_FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export const BENCH_FORMATS = [...USUAL_FORMATS, 'csv.gz'] as const;
export type BenchFormat = (typeof BENCH_FORMATS)[number];

/** Rows of a row group: about as many as DuckDB writes (122,880). */
const ROW_GROUP_ROWS = 100_000;

/** What is read: rows of a format, whose file is in this folder if it needs one. */
export interface Input {
  format: BenchFormat;
  rows: number;
  folder: string;
}

export function isBenchFormat(text: string): text is BenchFormat {
  return BENCH_FORMATS.some((format) => format === text);
}

/** Writes the manifest's file, where its format needs one. */
export async function writeManifest({ format, rows, folder }: Input): Promise<void> {
  const file = fileOf({ format, rows, folder });
  if (format === 'parquet') await writeParquet(file, rows);
  if (format === 'csv.gz') {
    const { sizeBytes, read } = textManifest('csv', rows);
    await pipeline(read(0, sizeBytes), createGzip(), createWriteStream(file));
  }
}

/** The text that holds the manifest's rows: the manifest itself, or each of its units, converted when it is asked for. */
export async function* benchManifests({ format, rows, folder }: Input): AsyncGenerator<BenchManifest> {
  if (format === 'csv' || format === 'ndjson') {
    yield textManifest(format, rows);
    return;
  }
  const { head, units, convert } = await openConvertible(fileOf({ format, rows, folder }));
  const text = join(folder, `unit-${process.pid}`);
  for (const unit of units) {
    const sizeBytes = await writeUnit(text, (take) => convert(unit, take));
    yield { key: 'unit', sizeBytes, head, read: (start, end) => readFileRange(text, start, end) };
    await rm(text);
  }
}

function fileOf({ format, rows, folder }: Input): string {
  return join(folder, `${rows}.${format}`);
}

/** @returns the text's bytes */
async function writeUnit(file: string, convert: (take: TakePart) => Promise<void>): Promise<number> {
  const handle = await open(file, 'w');
  let sizeBytes = 0;
  try {
    await convert(async (part, offset) => {
      await handle.write(part, 0, part.length, offset);
      sizeBytes += part.length;
    });
  } finally {
    await handle.close();
  }
  return sizeBytes;
}

/** As most tools write it: Snappy, and no dictionary, since every text is another one. */
async function writeParquet(file: string, rows: number): Promise<void> {
  const schema = schemaFromColumnData({ columnData: columnsOf(0, 1) });
  const writer = new ParquetWriter({ writer: fileWriter(file), schema });
  for (let from = 0; from < rows; from += ROW_GROUP_ROWS) {
    const columnData = columnsOf(from, Math.min(ROW_GROUP_ROWS, rows - from));
    await writer.write({ columnData, rowGroupSize: ROW_GROUP_ROWS });
  }
  await writer.finish();
}

function columnsOf(from: number, count: number) {
  const rows = Array.from({ length: count }, (_, index) => rowOf(from + index));
  return [
    { name: 'key', data: rows.map(({ key }) => key), type: 'STRING' as const, nullable: false },
    { name: 'source', data: rows.map(({ source }) => source), type: 'STRING' as const, nullable: false },
    { name: 'size', data: rows.map(({ size }) => BigInt(size)), type: 'INT64' as const, nullable: false },
  ];
}
