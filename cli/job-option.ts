// Flags that mean an option of a job: their values, default and help come from the table of options.
import { Option } from 'commander';
import { type JobOption, valuesOf } from '../shared/job/option-table.ts';
import { spreadText, templateText } from './arguments.ts';

/** Reads a value's text; the other kinds take any. */
const PARSERS = { spread: spreadText, 'key template': templateText, text: (text: string) => text };

/**
 * @param placeholder what the help calls the value
 * @param alias another name of the flag
 */
export function jobOptionFlag(
  option: Extract<JobOption, { kind: 'choice' | 'spread' | 'key template' | 'text' }>,
  placeholder: string,
  alias?: string,
): Option {
  const flags = `${alias === undefined ? '' : `--${alias}, `}--${option.name} <${placeholder}>`;
  // Commander itself adds choices and default to the help.
  if (option.kind === 'choice')
    return new Option(flags, option.description).choices(option.choices).default(option.default);
  const flag = new Option(flags, `${option.description}: ${valuesOf(option)}`);
  return flag.argParser(PARSERS[option.kind]).default(option.default);
}
