// Options of the commands that look at a deployed stage: which one, and where it is.
import { type Command, InvalidArgumentError } from 'commander';
import { httpAddress } from '../arguments.ts';

/** `service` in serverless.yml: the beginning of every name. */
const SERVICE = 'spillway';

export interface StageOptions {
  stage: string;
  region?: string;
  endpointUrl?: string;
  json?: true;
}

export function addStageOptions(command: Command): Command {
  return command
    .option('--stage <name>', 'the stage, as it was deployed', stageName, 'dev')
    .option('--region <code>', 'its region (default: AWS_REGION, or that of the profile)', regionCode)
    .option('--endpoint-url <url>', "another endpoint than AWS's, as that of `spillway up`", httpAddress)
    .option('--json', 'print one JSON object at the end, and everything else to stderr');
}

/** The name of the stack, and what every name in it begins with. */
export function prefixOf({ stage }: Pick<StageOptions, 'stage'>): string {
  return `${SERVICE}-${stage}`;
}

function stageName(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('It takes 1 to 14 lower-case letters, digits and hyphens, such as prod.');
}

function regionCode(text: string): string {
  if (/^[a-z]+(-[a-z]+)+-\d+$/.test(text)) return text;
  throw new InvalidArgumentError('It takes the code of a region, such as eu-west-1.');
}
