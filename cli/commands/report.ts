// spillway report: prints and saves how each row of a job ended.
import type { Command } from 'commander';
import { addApiOptions, ID_HELP, jobId } from '../api/options.ts';
import { httpAddress, wholeNumber } from '../arguments.ts';
import { onDemand } from '../on-demand.ts';

const ROWS = 10;

export function addReportCommand(program: Command): void {
  const command = program
    .command('report')
    .description("show an ended job's counts and the first rows that were not stored; save its files")
    .argument('<id>', ID_HELP, jobId)
    .option('--out <dir>', 'the folder to save manifest.json and all files to, each checked')
    .option('--rows <n>', 'rows to show of those that were not stored', wholeNumber, ROWS)
    .option(
      '--endpoint-url <url>',
      "the S3 that the report lies in (default: AWS_ENDPOINT_URL, or AWS's)",
      httpAddress,
    );
  addApiOptions(command)
    .addHelpText(
      'after',
      `
The failed files are manifests as they stand: spillway redrive takes them up, and so does the inbox.

Exit code: 0 when the report was shown and saved whole, 1 when not, 130 after Ctrl-C.`,
    )
    .action(onDemand(async () => (await import('../report/run.ts')).runReport));
}
