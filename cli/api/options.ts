// Options and arguments of all commands that call the API: its address, a job's id, --json.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isJobId } from '../../shared/job/identity.ts';
import { assertNoUserInfo } from '../address.ts';
import { PORTS } from '../up/ports.ts';

export interface ApiOptions {
  api: string;
  json?: true;
}

export const ID_HELP = "the job's id, as `spillway status` lists it";

export function addApiOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--api <url>', "the API's address: `spillway up` prints it, or `serverless info`")
        .env('SPILLWAY_API')
        .default(`http://127.0.0.1:${PORTS.api}`)
        .argParser(apiAddress),
    )
    .option('--json', 'print one JSON object at the end, and everything else to stderr');
}

export function jobId(text: string): string {
  if (!isJobId(text)) throw new InvalidArgumentError('That is no id of a job: `spillway status` lists them.');
  return text;
}

/** Takes scheme, host and path alone, and drops slashes at the end. */
function apiAddress(text: string): string {
  assertNoUserInfo(text, '--api, or SPILLWAY_API,');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.search === '' && url.hash === '' && !url.pathname.includes('%');
  if (url === undefined || !/^https?:$/.test(url.protocol) || !isPlain) {
    throw new InvalidArgumentError(
      'It takes an address such as https://ID.execute-api.REGION.amazonaws.com.',
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
