// Flags that mean an option of a job: their values, default and help come from the table of options.
import { InvalidArgumentError, Option } from 'commander';
import { type JobOption, valuesOf } from '../shared/job/option-table.ts';
import { spreadText } from './arguments.ts';

/** @param placeholder what the help calls the value */
export function jobOptionFlag(
  option: Extract<JobOption, { kind: 'choice' | 'spread' | 'text' }>,
  placeholder: string,
): Option {
  const flags = `--${option.name} <${placeholder}>`;
  switch (option.kind) {
    case 'choice': {
      // Commander itself adds choices and default to the help.
      const flag = new Option(flags, option.description).choices(option.choices);
      return option.default === undefined ? flag : flag.default(option.default);
    }
    case 'spread':
      return new Option(flags, `${option.description}: ${valuesOf(option)}`)
        .argParser(spreadText)
        .default(option.default);
    case 'text':
      return new Option(flags, `${option.description}: ${valuesOf(option)}`).argParser((text: string) => {
        const fault = option.faultOf(text);
        if (fault !== undefined) throw new InvalidArgumentError(`The text ${fault}.`);
        return text;
      });
  }
}
