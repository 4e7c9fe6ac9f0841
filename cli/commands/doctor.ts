// spillway doctor: what is misconfigured or missing in a deployed stage.
import type { Command } from 'commander';
import { addStageOptions } from '../aws/options.ts';
import { onDemand } from '../on-demand.ts';

export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('name what is misconfigured or missing in a deployed stage, with the remedy')
    .action(onDemand(async () => (await import('../doctor/run.ts')).runDoctor));
  addStageOptions(command).addHelpText(
    'after',
    `
It only reads. What your credentials may not look at is "unchecked", with the action that is missing; docs/operations.md
lists all of them. Of a stage that was removed it names the buckets and the table that are left.

Exit code: 0 when nothing failed, also with warnings; 1 when something did; 2 for a wrong option.`,
  );
}
