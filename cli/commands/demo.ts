// spillway demo: the whole job on one machine, with real files, from the manifest to the report.
import type { Command } from 'commander';
import { OPTIONS } from '../../shared/job/option-table.ts';
import { positiveInteger, positiveNumber } from '../arguments.ts';
import { jobOptionFlag } from '../job-option.ts';
import { onDemand } from '../on-demand.ts';

const FILES = 2_000;
/**
 * Writes a second that S3 takes in the demo. S3 itself takes 3,500 a partition; two cores running all of it, functions
 * and emulators, do some 300: the limit lies below that, so that S3 is what slows the job down.
 */
const LIMIT_PER_SECOND = 150;
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('upload real files through the whole pipeline on this machine, and check every one')
    .argument('[dir]', "the folder to take files from (default: small files of the project's node_modules)")
    .option('--files <n>', 'files to take at most', positiveInteger, FILES)
    .option('--limit <n>', 'writes a second that S3 takes', positiveNumber, LIMIT_PER_SECOND)
    .addOption(jobOptionFlag(OPTIONS.spread, 'spread'))
    .option('--json', 'print one JSON object at the end, and everything else to stderr')
    .addHelpText(
      'after',
      '\nExit code: 0 when every row is accounted for and every object is there, 1 when not, 130 after Ctrl-C.',
    )
    .action(onDemand(async () => (await import('../demo/begin.ts')).beginDemo));
}
