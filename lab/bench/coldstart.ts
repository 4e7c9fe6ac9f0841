// What a cold start of upload costs beside that of its bare clients: bundles as they are packaged, each loaded by fresh processes.
//
//   bundleKb     upload's bundle, in 1,000 bytes: all of its files
//   startKb      those of them that its start reads; the others are imported on demand
//   initMs       from the import of the bundle until the handler has made its clients and reads its batch; the median
//   bareInitMs   the same for a bundle that makes a client of S3, SQS and DynamoDB each, and nothing else
//   initCpuMs, bareInitCpuMs
//                the CPU time of the same, on all threads: other work on the machine changes it little
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBundler } from '../../local/service/bundle.ts';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';
import { CREDENTIALS } from './contestant.ts';

const PROBE = fileURLToPath(new URL('coldstart-probe.js', import.meta.url));
/** A process that has not answered by then is ended. */
const MOST_MS = 60_000;
/** Nothing listens there, so a client that sends anything fails. */
const NO_ENDPOINT = 'http://127.0.0.1:9';
const BARE = `import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
export const clients = [new S3Client({}), new SQSClient({}), new DynamoDBClient({})];`;

interface ColdStartBench {
  bundleKb: number;
  startKb: number;
  initMs: number;
  bareInitMs: number;
  initCpuMs: number;
  bareInitCpuMs: number;
}

interface StartTimes {
  initMs: number;
  cpuMs: number;
}

export async function runColdStartBench({ runs, json }: { runs: number; json: boolean }): Promise<void> {
  console.error(`load average ${loadavg()[0]?.toFixed(1)}: other work on this machine makes starts slower`);
  const result = await benchColdStart(runs);
  if (json) console.log(JSON.stringify(result));
  else for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(16)}${value}`);
}

/**
 * @param runs processes for each bundle, in turn
 * @throws Error where a bundle does not load or its handler fails
 */
async function benchColdStart(runs: number): Promise<ColdStartBench> {
  const { functions, region, directory } = await readService(SERVICE_FILE);
  const upload = functions['upload'];
  if (upload === undefined) throw new Error('serverless.yml has no function upload');
  const environment = {
    ...upload.environment,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL: NO_ENDPOINT,
  };
  const folder = await mkdtemp(path.join(tmpdir(), 'spillway-coldstart-'));
  try {
    const bundle = await createBundler(SERVICE_FILE);
    const whole = await bundle({ kind: 'file', path: upload.handlerFile }, path.join(folder, 'upload'));
    const bare = await bundle({ kind: 'text', source: BARE, folder: directory }, path.join(folder, 'bare'));
    const times: { whole: StartTimes[]; bare: StartTimes[] } = { whole: [], bare: [] };
    for (let run = 0; run < runs; run++) {
      times.whole.push(await timeOf(whole.file, environment));
      times.bare.push(await timeOf(bare.file, environment));
    }
    return {
      bundleKb: toTenth(whole.bytes / 1000),
      startKb: toTenth(whole.startBytes / 1000),
      initMs: median(times.whole.map(({ initMs }) => initMs)),
      bareInitMs: median(times.bare.map(({ initMs }) => initMs)),
      initCpuMs: median(times.whole.map(({ cpuMs }) => cpuMs)),
      bareInitCpuMs: median(times.bare.map(({ cpuMs }) => cpuMs)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As the process measured them. Nothing of this process's environment reaches it. */
async function timeOf(bundle: string, environment: Readonly<Record<string, string>>): Promise<StartTimes> {
  const child = fork(PROBE, [bundle], {
    env: environment,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    timeout: MOST_MS,
  });
  let sent: unknown;
  child.on('message', (message) => {
    sent = message;
  });
  const [code, signal] = await once(child, 'close');
  if (code === 0 && sent !== undefined) return sent as StartTimes;
  throw new Error(`${path.basename(bundle)} did not start: ${signal ?? `exit code ${code}`}`);
}

function median(values: readonly number[]): number {
  return toTenth(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}

function toTenth(value: number): number {
  return Math.round(value * 10) / 10;
}
