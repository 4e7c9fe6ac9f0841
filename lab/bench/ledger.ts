// A job of many rows through ingest, upload, ledger and settle, with nothing transferred: the production functions on DynamoDB,
// with S3 and SQS in memory. What it shows is the account: each row reported once, and what the ledger was asked for.
//
//   units         as DynamoDB bills them, by the table's meter (local/aws/dynamodb/dynamodb-meter.ts)
//   hottestKey    the partition key that was written to most within one second; DynamoDB takes 1,000 units there
//   peakHeapMiB   JavaScript heap of the functions; the objects in memory, which are S3's, lie outside of it
import { startEmulators } from '../../local/aws/emulators.ts';
import type { DynamodbReading } from '../../local/meter/meter-reading.ts';
import { emulatorsOptions } from '../../local/service/emulated.ts';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';
import { createDynamoDbClient } from '../../shared/aws/pipeline-clients.ts';
import { type ReportedJob, unaccountedRows } from '../../shared/job/job.ts';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import { steadyClock } from '../../shared/time/clock.ts';
import { createMemoryS3, type MemoryS3 } from '../memory/s3.ts';
import { CREDENTIALS } from './contestant.ts';
import { ARRIVAL, DESTINATION, INBOX, REPORTS, startPipeline } from './ledger-pipeline.ts';

export interface LedgerBench {
  rows: number;
  seconds: number;
  rowsPerSecond: number;
  slices: number;
  stored: number;
  unaccounted: number;
  /** Rows of the report beyond the first of each manifest row. */
  countedTwice: number;
  writeUnitsPerThousandRows: number;
  readUnitsPerThousandRows: number;
  hottestKey: { key: string; writeUnitsPerSecond: number };
  peakHeapMiB: number;
}

/** Ends with 0 only if each row was stored, and reported once. */
export async function runLedgerBench({ rows, json }: { rows: number; json: boolean }): Promise<void> {
  const result = await benchLedger(rows);
  if (json) console.log(JSON.stringify(result));
  else
    for (const [name, value] of Object.entries(result))
      console.log(`${name.padEnd(28)}${JSON.stringify(value)}`);
  if (result.unaccounted !== 0 || result.countedTwice !== 0 || result.stored !== rows) process.exitCode = 1;
}

export async function benchLedger(rows: number): Promise<LedgerBench> {
  const service = await readService(SERVICE_FILE);
  const emulators = await startEmulators({
    ...emulatorsOptions(service, { seed: 1, fidelity: {} }),
    buckets: [],
    queues: [],
  });
  const { region } = service;
  const dynamodb = createDynamoDbClient({
    endpoint: emulators.endpoints.dynamodb,
    region,
    credentials: CREDENTIALS,
  });
  try {
    const s3 = createMemoryS3({ versioned: [INBOX] });
    s3.write(INBOX, ARRIVAL.key, manifestOf(rows), {
      metadata: { 'spillway-destination': `s3://${DESTINATION}`, 'spillway-spread': 'off' },
    });
    const nameOf = (id: string) => service.tables[id]?.name ?? '';
    const [table, outcomeTable] = [nameOf('LedgerTable'), nameOf('OutcomesTable')];
    const run = startPipeline({ dynamodb, table, outcomeTable, s3 });
    const startedAtMs = steadyClock.now();
    const job = await run.ended;
    const seconds = (steadyClock.now() - startedAtMs) / 1000;
    const reported = rowsReported(s3, job);
    const { dynamodb: reading } = await emulators.meter();
    const perThousand = (units: number) => Math.round((units * 10_000) / rows) / 10;
    return {
      rows,
      seconds: Math.round(seconds * 10) / 10,
      rowsPerSecond: Math.round(rows / seconds),
      // All rows are stored, so each slice has one file.
      slices: reported.files,
      stored: job.totals.stored,
      unaccounted: unaccountedRows(job.totals) + (rows - reported.distinct),
      countedTwice: reported.all - reported.distinct,
      writeUnitsPerThousandRows: perThousand(reading.writeUnits),
      readUnitsPerThousandRows: perThousand(reading.readUnits),
      hottestKey: hottestOf(reading),
      peakHeapMiB: Math.round(run.peakHeapBytes() / 1024 ** 2),
    };
  } finally {
    dynamodb.destroy();
    await emulators.stop();
  }
}

function manifestOf(rows: number): Buffer {
  const lines = Array.from(
    { length: rows },
    (_, row) => `some/folder/${String(row).padStart(10, '0')},text\n`,
  );
  return Buffer.from(`key,text\n${lines.join('')}`);
}

/** Files of the report, and their rows: all of them and without repeats. */
function rowsReported(
  s3: MemoryS3,
  { report }: ReportedJob,
): { files: number; all: number; distinct: number } {
  const manifest = JSON.parse(String(s3.read(REPORTS, report.slice(`s3://${REPORTS}/`.length)))) as {
    files: ReportFile[];
  };
  const lines = new Set<number>();
  let all = 0;
  for (const { key } of manifest.files) {
    for (const text of String(s3.read(REPORTS, key)).trimEnd().split('\n')) {
      lines.add((JSON.parse(text) as { line: number }).line);
      all++;
    }
  }
  return { files: manifest.files.length, all, distinct: lines.size };
}

function hottestOf({ hottest }: DynamodbReading): LedgerBench['hottestKey'] {
  const [first] = hottest;
  return { key: first?.key ?? '', writeUnitsPerSecond: first?.peakWriteUnitsPerSecond ?? 0 };
}
