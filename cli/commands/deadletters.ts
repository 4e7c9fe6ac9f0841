// spillway deadletters: the messages that no worker could finish, and what became of them.
import { type Command, InvalidArgumentError } from 'commander';
import { addApiOptions } from '../api/options.ts';
import { numberUpTo } from '../arguments.ts';
import { onDemand } from '../on-demand.ts';

const LETTERS = 100;
const LETTERS_MOST = 10_000;

export function addDeadLettersCommand(program: Command): void {
  const command = program
    .command('deadletters')
    .description('list the messages that no worker could finish, and what became of each')
    .option('--since <date>', 'those sent from then on: 2026-11-24, or 2026-11-24T18:00', isoTime)
    .option('--limit <n>', 'letters to list', numberUpTo(LETTERS_MOST), LETTERS);
  addApiOptions(command)
    .addHelpText('after', '\nExit code: 0 when they could be listed, 1 when not.')
    .action(onDemand(async () => (await import('../dead-letters/run.ts')).runDeadLetters));
}

function isoTime(text: string): string {
  if (!/^\d{4}-\d\d-\d\d(T[\d:.]*Z?)?$/.test(text) || Number.isNaN(Date.parse(text.slice(0, 10)))) {
    throw new InvalidArgumentError('It takes a time in UTC as 2026-11-24, or 2026-11-24T18:00.');
  }
  return text;
}
