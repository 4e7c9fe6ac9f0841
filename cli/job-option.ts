// Flags that mean an option of a job: their values, default and help come from the table of options.
import { Option } from 'commander';
import { type JobOption, valuesOf } from '../shared/job/option-table.ts';
import { spreadText } from './arguments.ts';

/** @param placeholder what the help calls the value */
export function jobOptionFlag(
  option: Extract<JobOption, { kind: 'choice' | 'spread' }>,
  placeholder: string,
): Option {
  const flags = `--${option.name} <${placeholder}>`;
  // Commander itself adds choices and default to the help.
  return option.kind === 'choice'
    ? new Option(flags, option.description).choices(option.choices).default(option.default)
    : new Option(flags, `${option.description}: ${valuesOf(option)}`)
        .argParser(spreadText)
        .default(option.default);
}
