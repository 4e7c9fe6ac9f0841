// spillway rate: changes how fast a job writes, while it runs.
import type { Command } from 'commander';
import { OPTIONS } from '../../shared/job/option-table.ts';
import { addApiOptions, ID_HELP, jobId } from '../api/options.ts';
import { wholeNumberUpTo } from '../arguments.ts';
import { onDemand } from '../on-demand.ts';

export function addRateCommand(program: Command): void {
  const command = program
    .command('rate')
    .description('change how fast a job writes, while it runs')
    .argument('<id>', ID_HELP, jobId)
    .argument(
      '[objects]',
      'objects a second at most; 0 is no bound',
      wholeNumberUpTo(OPTIONS.maxRatePerSecond.most),
    )
    .option(
      '--bytes <number>',
      'bytes a second at most; 0 is no bound',
      wholeNumberUpTo(OPTIONS.maxBytesPerSecond.most),
    );
  addApiOptions(command)
    .addHelpText(
      'after',
      `
What is not given stays as it is. The new rate holds within 15 seconds. A paused job takes it, too.
A job that was sent without a rate has all its rows in the queue: pause it with --wait, set the rate, then resume it.

Exit code: 0 when the rate is changed, 1 when it can't be, 2 for a wrong value.`,
    )
    .action(onDemand(async () => (await import('../jobs/run.ts')).runRate));
}
