// spillway key: where objects land, computed without any request.
import { type Command, InvalidArgumentError } from 'commander';
import { OPTIONS } from '../../shared/job/option-table.ts';
import { faultOfPath, folderPrefix } from '../../shared/keys/destination.ts';
import { createLocator } from '../../shared/keys/destination-key.ts';
import { namedValue } from '../arguments.ts';
import { usageFailure } from '../failure.ts';
import { jobOptionFlag } from '../job-option.ts';
import { terminal } from '../terminal/terminal.ts';

interface KeyOptions {
  spread: string;
  prefix: string;
  keyTemplate: string;
  stripPrefix: string;
  stripSuffix: string;
  column?: (readonly [name: string, value: string])[];
  json?: true;
}

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
    .addOption(jobOptionFlag(OPTIONS.keyTemplate, 'template', 'template'))
    .addOption(jobOptionFlag(OPTIONS.stripPrefix, 'text'))
    .addOption(jobOptionFlag(OPTIONS.stripSuffix, 'text'))
    .option(
      '--column <name=value>',
      "a column of the row, for the template's {column:NAME}; repeatable",
      namedValue,
    )
    .option('--json', 'print { "keys": [...] }')
    .addHelpText(
      'after',
      "\nExamples:\n  $ spillway key images/1.png --spread hex:2 --prefix 2026\n  $ spillway key images/1.png --template '{column:album}/{name}' --column album=summer",
    )
    .action((keys: string[], options: KeyOptions) => {
      const destinations = destinationsOf(keys, options);
      if (options.json) terminal.json({ keys: destinations });
      else for (const destination of destinations) terminal.value(destination);
    });
}

/** @throws Failure for a key of which the template makes none */
function destinationsOf(keys: readonly string[], { prefix, column = [], ...options }: KeyOptions): string[] {
  const locate = createLocator({ ...options, destination: { bucket: '', prefix } });
  const columns = Object.fromEntries(column);
  return keys.map((key) => {
    const located = locate({ ...columns, key, spillway_columns: columns });
    if (located.kind === 'fault') {
      const { code, message } = located.fault;
      throw usageFailure(`a job rejects ${JSON.stringify(key)} (${code}): ${message}`);
    }
    return located.destination.key;
  });
}

/** As a job reads it from its destination. */
function prefixText(text: string): string {
  const fault = faultOfPath(text);
  if (fault !== undefined) throw new InvalidArgumentError(`The prefix ${fault}.`);
  return folderPrefix(text);
}
