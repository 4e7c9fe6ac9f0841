// What `serverless invoke local` needs to run a function on the embedded cloud that `spillway up` has started: the function's
// environment, under its own role, and the samples of events/ with the account of that cloud.
import { environmentVariables } from '../../local/lambda/variables.ts';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';
import { LOCAL_ACCOUNT_ID } from '../../local/service/template.ts';
import { Failure } from '../failure.ts';
import { PORTS, SOURCE_BUCKET } from './ports.ts';

/** Of the samples in events/. */
const SAMPLE_ACCOUNT = /123456789012/g;
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])$/;
const ANSWER_MS = 5_000;

/** Options of the command line, as osls has them. */
interface InvokeOptions {
  function?: string;
  /** `name=value` */
  param?: readonly string[];
  docker?: boolean;
}

interface Invocation {
  variables: Record<string, string>;
  /** The event, with the account of the embedded cloud in the sample's place. */
  adapted(event: unknown): unknown;
}

/**
 * @param env where the cloud is, if its ports are others than by default: AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_DYNAMODB
 * @throws Failure where that is not on this machine, or nothing answers there
 */
export async function embeddedInvocation(
  { function: name = '', param = [], docker }: InvokeOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Invocation> {
  if (docker) throw new Failure('--docker is not supported: a container does not reach the embedded cloud');
  const endpoints = {
    aws: ownAddress('AWS_ENDPOINT_URL', env['AWS_ENDPOINT_URL'], PORTS.aws),
    dynamodb: ownAddress('AWS_ENDPOINT_URL_DYNAMODB', env['AWS_ENDPOINT_URL_DYNAMODB'], PORTS.dynamodb),
  };
  for (const endpoint of Object.values(endpoints)) await expectAnswer(endpoint);
  const given = param.map((each) => [each.split('=', 1)[0] ?? '', each.slice(each.indexOf('=') + 1)]);
  // As `spillway up` has it.
  const params = { sourceBuckets: SOURCE_BUCKET, ...Object.fromEntries(given) };
  const { functions, queues, region, accountId, directory } = await readService(SERVICE_FILE, { params });
  const model = functions[name];
  if (model === undefined)
    throw new Failure(`--function takes ${Object.keys(functions).join(', ')}, not "${name}"`);
  const queueUrls = new Map(
    Object.values(queues).map((queue) => [queue.url, `${endpoints.aws}/${accountId}/${queue.name}`]),
  );
  return {
    variables: environmentVariables(model, { endpoints, region, directory, queueUrls }),
    adapted: (event) =>
      typeof event === 'object' && event !== null
        ? JSON.parse(JSON.stringify(event).replace(SAMPLE_ACCOUNT, LOCAL_ACCOUNT_ID))
        : event,
  };
}

function ownAddress(variable: string, given: string | undefined, port: number): string {
  const text = given ?? `http://127.0.0.1:${port}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && LOOPBACK.test(url.hostname) && url.username === '') return url.origin;
  throw new Failure(
    `${variable} is ${text}: invoke local runs on the embedded cloud alone, at http://127.0.0.1 and a port`,
  );
}

async function expectAnswer(endpoint: string): Promise<void> {
  try {
    await (await fetch(endpoint, { signal: AbortSignal.timeout(ANSWER_MS) })).body?.cancel();
  } catch (cause) {
    const remedy =
      'start it with npx spillway up, or name its ports in AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_DYNAMODB';
    throw new Failure(`no embedded cloud answers at ${endpoint}: ${remedy}`, { cause });
  }
}
