// spillway resume: continues a paused job with the rows that have not ended.
import type { Command } from 'commander';
import { addApiOptions, ID_HELP, jobId } from '../api/options.ts';
import type { WaitOptions } from '../jobs/run.ts';

export function addResumeCommand(program: Command): void {
  const command = program
    .command('resume')
    .description('let a paused job go on with what it lacks')
    .argument('<id>', ID_HELP, jobId)
    .option('--wait', 'follow it until it has ended');
  addApiOptions(command)
    .addHelpText(
      'after',
      `
It may be given again: what has ended already is not done twice.

Exit code: 0 when it runs again (with --wait: when it has completed), 1 when not, 130 after Ctrl-C.`,
    )
    .action(async (id: string, options: WaitOptions) => {
      const { runOrder } = await import('../jobs/run.ts');
      await runOrder(id, 'resume', options);
    });
}
