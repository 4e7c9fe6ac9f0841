// spillway lab: eight strategies against an S3 that throttles, side by side.
import type { Command } from 'commander';
import { positiveInteger, positiveNumber } from '../arguments.ts';
import { onDemand } from '../on-demand.ts';

/** With these the lab takes about 80 seconds on two cores. */
const OBJECTS = 1_000;
/**
 * Writes a second and partition. S3 itself takes 3,500; two cores can send several hundred a second and answer them, and
 * four partitions have to fit in that.
 */
const LIMIT_PER_SECOND = 100;

export function addLabCommand(program: Command): void {
  program
    .command('lab')
    .description('show what SlowDown does to uploads: eight strategies on a throttling S3 on this machine')
    .option('--objects <n>', 'objects that each strategy writes', positiveInteger, OBJECTS)
    .option('--limit <n>', 'writes a second that a partition of S3 takes', positiveNumber, LIMIT_PER_SECOND)
    .option('--out <dir>', 'the folder to write charts and page to', '.spillway/lab')
    .option('--json', 'print one JSON object at the end, and everything else to stderr')
    .addHelpText('after', '\nExit code: 0 when all eight have run, 130 after Ctrl-C.')
    .action(onDemand(async () => (await import('../lab/run.ts')).runLab));
}
