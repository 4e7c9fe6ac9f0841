// Starts the embedded cloud with its page, says where everything is, and reports each job's end until Ctrl-C.
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { servePage } from '../../local/page/page.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { Failure } from '../failure.ts';
import { endOfProcess, onInterrupt } from '../interrupt.ts';
import { type JobEnd, readJobEvents } from '../job-end.ts';
import { terminal } from '../terminal/terminal.ts';
import { line, type TerminalText } from '../terminal/text.ts';
import { amountText, countText, countTexts } from '../text.ts';
import { PORTS, SOURCE_BUCKET } from './ports.ts';

const LOOK_EVERY_MS = 300;
/** A client that puts malformed events does so in a loop: the first ones say what is wrong. */
const MAX_MALFORMED_SHOWN = 10;

export interface UpOptions {
  port?: number;
  limit: number;
  /** Names for the Host header, beside those of loopback. */
  allowHost?: string[];
  /** Hosts of the web that manifests may read from. */
  sourceHost?: string[];
  json?: true;
}

export async function runUp(options: UpOptions): Promise<void> {
  const { limit, json } = options;
  const say = json ? terminal.err : terminal.out;
  const running: { cloud?: Cloud } = {};
  const interrupt = onInterrupt(async () => {
    terminal.err(line`\nStopped: what the buckets held is gone.`);
    await running.cloud?.stop();
  });
  const cloud = await start(options);
  running.cloud = cloud;
  servePage(cloud);
  if (json) terminal.json(readyObject(cloud));
  else terminal.out(readyText(cloud, limit));

  const report = createReporter(cloud, say);
  while (!interrupt.isInterrupted()) {
    report();
    await systemClock.sleep(LOOK_EVERY_MS);
  }
  // The interrupt ends the process once the cloud has stopped.
  await endOfProcess();
}

/** Reports each event once: a job's end, or why it shows none. */
export function createReporter(cloud: Pick<Cloud, 'events'>, say: (text: TerminalText) => void): () => void {
  const shown = new Set<string>();
  let malformedShown = 0;
  return () => {
    const { ends, malformed } = readJobEvents(cloud);
    for (const end of ends) {
      if (!shown.has(end.job)) say(endLine(end));
      shown.add(end.job);
    }
    for (const { id, fault } of malformed) {
      if (shown.has(id)) continue;
      shown.add(id);
      malformedShown += 1;
      if (malformedShown <= MAX_MALFORMED_SHOWN) say(line`Event ${id} shows no job's end: ${fault}`);
      if (malformedShown === MAX_MALFORMED_SHOWN) say(line`Further events of this kind are not shown.`);
    }
  };
}

async function start({ port, limit, allowHost, sourceHost = [] }: UpOptions): Promise<Cloud> {
  try {
    return await startCloud({
      ports: port === undefined ? PORTS : { aws: port },
      limit: { limitPerSecond: limit },
      ...(allowHost === undefined ? {} : { allowedHosts: allowHost }),
      params: { sourceBuckets: SOURCE_BUCKET, sourceHosts: sourceHost.join(',') },
      buckets: [{ name: SOURCE_BUCKET, throttled: false }],
    });
  } catch (error) {
    if (!(error instanceof Error) || !/\bport\b.*\btaken\b/.test(error.message)) throw error;
    throw new Failure(`${error.message}. spillway up --port 0 takes free ones for everything`, {
      cause: error,
    });
  }
}

type ReadyCloud = Pick<Cloud, 'endpoints' | 'names' | 'clientConfig'>;

function readyObject({ endpoints, names }: ReadyCloud) {
  return {
    s3: endpoints.aws,
    sqs: endpoints.aws,
    dynamodb: endpoints.dynamodb,
    api: endpoints.api,
    page: `${endpoints.api}/`,
    inbox: names.inbox,
    destination: names.destination,
    reports: names.reports,
    source: SOURCE_BUCKET,
  };
}

export function readyText(cloud: ReadyCloud, limit: number): TerminalText {
  const ready = readyObject(cloud);
  const { region, credentials } = cloud.clientConfig();
  return line`Spillway is up, on an S3 that takes ${countText(limit)} writes a second and partition. Ctrl-C ends it, and its data.

  S3 and SQS   ${ready.s3}
  DynamoDB     ${ready.dynamodb}
  API          ${ready.api}/jobs
  page         ${ready.page}
  inbox        s3://${ready.inbox}
  destination  s3://${ready.destination}
  reports      s3://${ready.reports}
  source       s3://${ready.source}   (manifests may copy from it)

Try, in another terminal:
  export AWS_ACCESS_KEY_ID=${credentials.accessKeyId} AWS_SECRET_ACCESS_KEY=${credentials.secretAccessKey} AWS_REGION=${region}
  export AWS_ENDPOINT_URL=${ready.s3} AWS_ENDPOINT_URL_DYNAMODB=${ready.dynamodb} SPILLWAY_API=${ready.api}
  printf 'key,text\\nhello.txt,hello\\n' > manifest.csv
  aws --endpoint-url ${ready.s3} s3 cp manifest.csv s3://${ready.inbox}/
  curl -H 'content-type: text/csv' --data-binary @manifest.csv '${ready.api}/jobs?spread=hex:2'
  npx spillway status
`;
}

function endLine(end: JobEnd): TerminalText {
  const { job, state, manifest, rows, stored, skipped, failed, cancelled, rejected, unaccounted, fault } =
    end;
  const name = line`${job} ${state}: ${manifest.key}`;
  if (fault !== undefined) return line`${name}: ${fault.code}: ${fault.message}`;
  const others = countTexts({ skipped, failed, cancelled, rejected, unaccounted });
  const counts = [amountText(rows, 'row'), `${countText(stored)} stored`, ...others].join(', ');
  return line`${name}: ${counts}; ${end.report ?? 'no report'}`;
}
