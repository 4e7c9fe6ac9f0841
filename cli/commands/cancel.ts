// spillway cancel: ends a job now; what has not ended is booked as cancelled.
import type { Command } from 'commander';
import { addApiOptions, ID_HELP, jobId } from '../api/options.ts';
import type { WaitOptions } from '../jobs/run.ts';

export function addCancelCommand(program: Command): void {
  const command = program
    .command('cancel')
    .description('end a job where it stands: what is under way finishes, the rest is booked as cancelled')
    .argument('<id>', ID_HELP, jobId)
    .option('--wait', 'wait until it has ended');
  addApiOptions(command)
    .addHelpText(
      'after',
      `
What is stored stays. The report lists every row; spillway redrive takes up those that were cancelled.

Exit code: 0 when it is being cancelled (with --wait: when it has ended), 1 when it can't be, 130 after Ctrl-C.`,
    )
    .action(async (id: string, options: WaitOptions) => {
      const { runOrder } = await import('../jobs/run.ts');
      await runOrder(id, 'cancel', options);
    });
}
