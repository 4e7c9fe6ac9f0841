// Flags that mean an option of a job: their values, default and help come from the table of options.
import { InvalidArgumentError, Option } from 'commander';
import { type JobOption, valuesOf } from '../shared/job/option-kinds.ts';
import { spreadText, templateText } from './arguments.ts';

/**
 * @param placeholder what the help calls the value
 * @param alias another name of the flag
 */
export function jobOptionFlag(
  option: Extract<JobOption, { kind: 'choice' | 'spread' | 'key template' | 'key part' | 'text' }>,
  placeholder: string,
  alias?: string,
): Option {
  const flags = `${alias === undefined ? '' : `--${alias}, `}--${option.name} <${placeholder}>`;
  const described = new Option(flags, `${option.description}: ${valuesOf(option)}`);
  switch (option.kind) {
    case 'choice': {
      // Commander itself adds choices and default to the help.
      const flag = new Option(flags, option.description).choices(option.choices);
      return option.default === undefined ? flag : flag.default(option.default);
    }
    case 'spread':
      return described.argParser(spreadText).default(option.default);
    case 'key template':
      return described.argParser(templateText).default(option.default);
    case 'key part':
      return described.default(option.default);
    case 'text':
      return described.argParser((text: string) => {
        const fault = option.faultOf(text);
        if (fault !== undefined) throw new InvalidArgumentError(`The text ${fault}.`);
        return text;
      });
  }
}
