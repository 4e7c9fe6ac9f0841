// spillway key: where objects land, computed without any request.
import { type Command, InvalidArgumentError } from 'commander';
import { OPTIONS } from '../../shared/job/option-table.ts';
import { faultOfPath, folderPrefix } from '../../shared/keys/destination.ts';
import { destinationKey, parseSpread } from '../../shared/keys/spread.ts';
import { Failure } from '../failure.ts';
import { jobOptionFlag } from '../job-option.ts';
import { terminal } from '../terminal/terminal.ts';

export function addKeyCommand(program: Command): void {
  program
    .command('key')
    .description('print the destination key of each key: the same that a job gives it')
    .argument('<key...>', 'keys as the manifest names them')
    .addOption(jobOptionFlag(OPTIONS.spread, 'spread'))
    .option(
      '--prefix <prefix>',
      "the folder of the job's destination, with or without a slash at its end",
      prefixText,
      '',
    )
    .option('--json', 'print { "keys": [...] }')
    .addHelpText('after', '\nExample:\n  $ spillway key images/1.png --spread hex:2 --prefix 2026')
    .action((keys: string[], options: { spread: string; prefix: string; json?: true }) => {
      const parsed = parseSpread(options.spread);
      if (parsed.kind === 'invalid') throw new Failure(parsed.message, { exitCode: 2 });
      const destinations = keys.map((key) => destinationKey(key, parsed.spread, options.prefix));
      if (options.json) terminal.json({ keys: destinations });
      else for (const destination of destinations) terminal.value(destination);
    });
}

/** As a job reads it from its destination. */
function prefixText(text: string): string {
  const fault = faultOfPath(text);
  if (fault !== undefined) throw new InvalidArgumentError(`The prefix ${fault}.`);
  return folderPrefix(text);
}
