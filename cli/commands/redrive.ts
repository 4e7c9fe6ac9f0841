// spillway redrive: a new job of the rows that an ended one did not store.
import type { Command } from 'commander';
import { addApiOptions, ID_HELP, jobId } from '../api/options.ts';
import type { WaitOptions } from '../jobs/run.ts';

export function addRedriveCommand(program: Command): void {
  const command = program
    .command('redrive')
    .description('start a new job from the rows of an ended one that failed or were cancelled')
    .argument('<id>', ID_HELP, jobId)
    .option('--wait', 'follow the new job until it has ended');
  addApiOptions(command)
    .addHelpText(
      'after',
      `
The new job has the options of the old one. The same redrive given twice is one job. Rejected rows are not in it: what is
wrong with them is wrong in the manifest.

Exit code: 0 when the new job is there (with --wait: when it has completed), 1 when not, 130 after Ctrl-C.`,
    )
    .action(async (id: string, options: WaitOptions) => {
      const { runOrder } = await import('../jobs/run.ts');
      await runOrder(id, 'redrive', options);
    });
}
