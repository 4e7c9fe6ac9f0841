// spillway concurrency: how many upload functions of a deployed stage run at once, shown or changed.
import { type Command, InvalidArgumentError } from 'commander';
import { CONCURRENCY_BOUNDS } from '../../infrastructure/in-flight.js';
import { positiveInteger } from '../arguments.ts';
import { addStageOptions } from '../aws/options.ts';
import { onDemand } from '../on-demand.ts';

export function addConcurrencyCommand(program: Command): void {
  const command = program
    .command('concurrency')
    .description('show or change how many upload functions of a running stage run at once')
    .argument('[functions]', 'the new bound; without it, the command shows the present one', bound);
  addStageOptions(command)
    .addHelpText(
      'after',
      `
It needs lambda:ListEventSourceMappings, lambda:GetAccountSettings and, for a change, lambda:UpdateEventSourceMapping.
Running jobs go on. A bound that could fill SQS's in-flight quota, or that the account can't run, is refused.

Exit code: 0 when it is shown or changed, 1 when it can't be, 2 for a wrong value.`,
    )
    .action(onDemand(async () => (await import('../concurrency/run.ts')).runConcurrency));
}

function bound(text: string): number {
  const value = positiveInteger(text);
  const [least, most] = CONCURRENCY_BOUNDS;
  if (value < least || value > most) throw new InvalidArgumentError(`It takes ${least} to ${most}.`);
  return value;
}
