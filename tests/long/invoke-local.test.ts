// `serverless invoke local` with a sample of events/ for each function, as a developer runs it: bundled, on the embedded cloud,
// never on AWS. Each takes seconds to bundle, so the functions' host answers the other samples (integration/samples.test.ts).
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { expectAnswer, SAMPLES } from '../helpers/sample-answers.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RUN_MS = 300_000;

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud?.stop());

async function invoke(...args: string[]): Promise<{ code: number | null; out: string; said: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const { aws, dynamodb } = cloud.endpoints;
  // A profile and keys of AWS: they must have no effect.
  const foreign = { AWS_PROFILE: 'prod', AWS_ACCESS_KEY_ID: 'AKIAFOREIGN', AWS_SECRET_ACCESS_KEY: 'x' };
  const env = { PATH, HOME, ...foreign, AWS_ENDPOINT_URL: aws, AWS_ENDPOINT_URL_DYNAMODB: dynamodb };
  const command = ['cli/node/run.js', 'serverless', 'invoke', 'local', ...args];
  const child = spawn(process.execPath, command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let said = '';
  child.stdout.on('data', (bytes) => (out += String(bytes)));
  child.stderr.on('data', (bytes) => (said += String(bytes)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, out, said };
}

const FIRST_OF_EACH = [
  ...new Map(SAMPLES.toReversed().map((sample) => [sample.functionName, sample])).values(),
];

it.each(FIRST_OF_EACH)('invokes $functionName with $file', { timeout: RUN_MS }, async (sample) => {
  const { code, out, said } = await invoke('-f', sample.functionName, '-p', `events/${sample.file}`);
  expect(code, said + out).toBe(0);
  // Log lines of the function, each in one line, stand before its answer.
  const from = /^\{$/m.exec(out)?.index;
  expectAnswer(sample, from === undefined ? null : JSON.parse(out.slice(from)));
});
