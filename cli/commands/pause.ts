// spillway pause: stops a job for a while; nothing is lost.
import type { Command } from 'commander';
import { addApiOptions, ID_HELP, jobId } from '../api/options.ts';
import type { WaitOptions } from '../jobs/run.ts';

export function addPauseCommand(program: Command): void {
  const command = program
    .command('pause')
    .description('let a job rest: what is under way finishes, nothing more is begun')
    .argument('<id>', ID_HELP, jobId)
    .option('--wait', 'wait until nothing of it moves any more');
  addApiOptions(command)
    .addHelpText(
      'after',
      `
A paused job costs nothing to keep. Its deadline, and the time for which an object is tried again, rest with it.

Exit code: 0 when it is paused, 1 when it can't be, 130 after Ctrl-C.`,
    )
    .action(async (id: string, options: WaitOptions) => {
      const { runOrder } = await import('../jobs/run.ts');
      await runOrder(id, 'pause', options);
    });
}
