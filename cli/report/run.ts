// Prints a job's completion report: its counts, the first rows that were not stored and why, and where the files lie; saves it.
import path from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { COMMAND_BUDGET } from '../../shared/aws/budgets.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import type { JobView } from '../../shared/job/view.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { openApi } from '../api/open.ts';
import type { ApiOptions } from '../api/options.ts';
import { Failure, failureOf } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { canBeRedriven, countsOf, hasEnded } from '../jobs/counts.ts';
import { factsText } from '../jobs/job-text.ts';
import { createProgress } from '../progress.ts';
import { assertCredentials, openS3 } from '../s3/open.ts';
import { terminal } from '../terminal/terminal.ts';
import { joined, line, lines, type TerminalText, tableLines } from '../terminal/text.ts';
import { amountText, bytesText, countText } from '../text.ts';
import { downloadReport } from './download.ts';
import { type Report, type ReportedRow, readReport, unstoredRows } from './read.ts';

export interface ReportOptions extends ApiOptions {
  out?: string;
  endpointUrl?: string;
  rows: number;
}

export async function runReport(id: string, options: ReportOptions): Promise<void> {
  const job = await openApi(options.api).job(id);
  if (job.report === undefined) {
    throw new Failure(
      hasEnded(job)
        ? `job ${id} has no report`
        : `job ${id} is ${job.state}: its report is written when it ends (spillway status ${id} --wait)`,
    );
  }
  const s3 = await openS3(options.endpointUrl, (config, connection) =>
    createS3Client(config, COMMAND_BUDGET, connection),
  );
  try {
    assertEndpoint(s3, options);
    await assertCredentials(s3);
    const report = await readReport(s3, job.report);
    const rows = await Array.fromAsync(unstoredRows(s3, report, options.rows));
    const failure = options.out === undefined ? undefined : await save(s3, report, options.out);
    print(job, report, rows, options, failure);
    if (failure !== undefined) throw failure;
  } finally {
    s3.destroy();
  }
}

/** The embedded cloud's reports are in its own S3: asking AWS for them would end in a misleading error about credentials. */
function assertEndpoint(s3: S3Client, { api }: ReportOptions): void {
  if (s3.config.isCustomEndpoint === true || !/^(127\.|localhost$|\[::1\]$)/.test(new URL(api).hostname))
    return;
  throw new Failure(
    'the API is one on this machine, and its reports lie in its own S3: name that with --endpoint-url, or AWS_ENDPOINT_URL (spillway up prints it)',
  );
}

/** @returns why it could not be saved whole: the report is printed all the same */
async function save(s3: S3Client, report: Report, folder: string): Promise<Failure | undefined> {
  onInterrupt(async () => {
    terminal.err(line`\nInterrupted: ${folder} holds a part of the report, without its manifest.json.`);
  });
  const progress = createProgress('saving', report.files.length);
  try {
    await downloadReport(s3, report, folder, (files) => progress.show(files));
    return undefined;
  } catch (error) {
    return failureOf(error);
  } finally {
    progress.end();
  }
}

function print(
  job: JobView,
  report: Report,
  rows: readonly ReportedRow[],
  { json, out }: ReportOptions,
  failure: Failure | undefined,
): void {
  if (json) {
    const { files } = report;
    const isSaved = out !== undefined && failure === undefined;
    terminal.json({ ...job, files, unstored: rows, ...(isSaved ? { out } : {}) });
    return;
  }
  const { failed, cancelled, rejected } = countsOf(job);
  const unstored = failed + cancelled + rejected;
  const paragraphs = [
    factsText(job, systemClock.now()),
    unstored !== 0 && unstoredText(rows, unstored),
    filesText(report),
    savedText(job, out, failure),
    canBeRedriven(job) &&
      line`spillway redrive ${job.job} starts a new job of the ${amountText(failed + cancelled, 'row')} not stored.`,
  ];
  terminal.out(joined(paragraphs, '\n\n'));
}

function savedText({ job }: JobView, out: string | undefined, failure: Failure | undefined): TerminalText {
  if (out === undefined) return line`spillway report ${job} --out DIR saves them.`;
  const folder = path.join(out, path.sep);
  return failure === undefined
    ? line`Saved in ${folder}: each file has the rows and the SHA-256 that manifest.json says.`
    : line`NOT saved whole in ${folder}, which has no manifest.json of it.`;
}

function unstoredText(rows: readonly ReportedRow[], all: number): TerminalText {
  const more = all - rows.length;
  return lines([
    `${amountText(all, 'row')} not stored`,
    ...rows.map(rowText),
    rows.length > 0 && more > 0 && `  and ${countText(more)} more, in the files`,
  ]);
}

function rowText({ kind, key, code, message, place }: ReportedRow): TerminalText {
  const name = key === undefined ? '' : line`, ${key}`;
  return line`  ${place}${name}: ${kind === 'rejected' ? 'rejected: ' : ''}${message} (${code})`;
}

function filesText({ bucket, key, files }: Report): TerminalText {
  const kinds = (['succeeded', 'failed', 'rejected'] as const)
    .map((kind) => ({ kind, own: files.filter((file) => file.kind === kind) }))
    .filter(({ own }) => own.length > 0)
    .map(({ kind, own }) => {
      const sum = (of: 'rows' | 'bytes') => own.reduce((total, file) => total + file[of], 0);
      return [
        `${kind}/`,
        amountText(sum('rows'), 'row'),
        amountText(own.length, 'file'),
        bytesText(sum('bytes')),
      ];
    });
  const table = tableLines([['manifest.json'], ...kinds], [1, 2, 3]);
  return lines([
    line`s3://${bucket}/${key.slice(0, key.lastIndexOf('/') + 1)}`,
    ...table.map((row) => line`  ${row}`),
  ]);
}
