// spillway up: the embedded cloud and the pipeline until Ctrl-C, for any S3 client to drop manifests into.
import { type Command, InvalidArgumentError } from 'commander';
import { parseAllowedHost } from '../../local/guard/hosts.ts';
import { isHostPattern } from '../../shared/text/host-name.ts';
import { portNumber, positiveNumber } from '../arguments.ts';
import { onDemand } from '../on-demand.ts';
import { PORTS } from '../up/ports.ts';

/** S3's own floor for a partition; two cores do not reach it. A lower one shows throttling. */
const LIMIT_PER_SECOND = 3_500;
export function addUpCommand(program: Command): void {
  program
    .command('up')
    .description('run the pipeline on an embedded cloud until Ctrl-C: S3, SQS, DynamoDB, API and a page')
    .option(
      '--port <port>',
      `the port of S3 and SQS; DynamoDB and the API then take any free one (default: ${PORTS.aws}, with DynamoDB on ${PORTS.dynamodb} and the API on ${PORTS.api})`,
      portNumber,
    )
    .option('--limit <n>', 'writes a second that S3 takes in a partition', positiveNumber, LIMIT_PER_SECOND)
    .option(
      '--allow-host <name>',
      'also answer to NAME and BUCKET.NAME in the Host header: for containers and forwarded ports; may be given again',
      addHost,
    )
    .option(
      '--source-host <host>',
      'let manifests read from this host by https: a name, or *.DOMAIN for all names below one; may be given again',
      addSourceHost,
    )
    .option('--json', 'print one JSON object when ready, and everything else to stderr')
    .action(onDemand(async () => (await import('../up/run.ts')).runUp));
}

function addHost(text: string, earlier: string[] = []): string[] {
  try {
    return [...earlier, parseAllowedHost(text)];
  } catch (error) {
    throw new InvalidArgumentError(String(error instanceof Error ? error.message : error));
  }
}

function addSourceHost(text: string, earlier: string[] = []): string[] {
  if (isHostPattern(text)) return [...earlier, text];
  throw new InvalidArgumentError(
    'it takes the name of a host, such as files.example.com or *.example.com, in lower case.',
  );
}
