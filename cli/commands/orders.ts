// spillway pause, resume, cancel and redrive: orders to one job, each a request to the API.
import type { Command } from 'commander';
import type { Order } from '../api/client.ts';
import { addApiOptions, ID_HELP, jobId } from '../api/options.ts';
import type { WaitOptions } from '../jobs/run.ts';

interface OrderHelp {
  order: Order;
  description: string;
  /** What --wait waits for. */
  wait: string;
  more: string;
  exitCode: string;
}

const ORDERS: readonly OrderHelp[] = [
  {
    order: 'pause',
    description: 'pause a job: what is under way finishes, nothing more is begun',
    wait: 'wait until nothing of it moves any more',
    more: 'A paused job costs nothing to keep. Its deadline and its retry times do not run on during the pause.',
    exitCode: "0 when it is paused, 1 when it can't be",
  },
  {
    order: 'resume',
    description: 'let a paused job go on with what it lacks',
    wait: 'follow it until it has ended',
    more: 'It may be given again: what has ended already is not done twice.',
    exitCode: '0 when it runs again (with --wait: when it has completed), 1 when not',
  },
  {
    order: 'cancel',
    description: 'end a job where it stands: what is under way finishes, the rest is booked as cancelled',
    wait: 'wait until it has ended',
    more: 'What is stored stays. The report lists every row; spillway redrive takes up those that were cancelled.',
    exitCode: "0 when it is being cancelled (with --wait: when it has ended), 1 when it can't be",
  },
  {
    order: 'redrive',
    description: 'start a new job from the rows of an ended one that failed or were cancelled',
    wait: 'follow the new job until it has ended',
    more: `The new job has the options of the old one. The same redrive given twice is one job. Rejected rows are not in it: what is
wrong with them is wrong in the manifest.`,
    exitCode: '0 when the new job is there (with --wait: when it has completed), 1 when not',
  },
];

export function addOrderCommands(program: Command): void {
  for (const { order, description, wait, more, exitCode } of ORDERS) {
    const command = program
      .command(order)
      .description(description)
      .argument('<id>', ID_HELP, jobId)
      .option('--wait', wait);
    addApiOptions(command)
      .addHelpText('after', `\n${more}\n\nExit code: ${exitCode}, 130 after Ctrl-C.`)
      .action(async (id: string, options: WaitOptions) => {
        const { runOrder } = await import('../jobs/run.ts');
        await runOrder(id, order, options);
      });
  }
}
