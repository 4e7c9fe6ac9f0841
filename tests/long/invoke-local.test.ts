// `serverless invoke local` with a sample of events/ for each function, as a developer runs it: bundled, on the embedded cloud,
// never on AWS. Each takes seconds to bundle, so the functions' host answers the other samples (integration/samples.test.ts).
import { spawn } from 'node:child_process';
import { appendFile, cp, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCloud } from '../../local/cloud.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { expectAnswer, SAMPLES } from '../helpers/sample-answers.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const cloud = duringTests(startCloud);

interface Invoked {
  code: number | null;
  out: string;
  said: string;
}

function invoke(...args: string[]): Promise<Invoked> {
  return invokeIn(ROOT, ...args);
}

/** @param folder where the service lies */
async function invokeIn(folder: string, ...args: string[]): Promise<Invoked> {
  const { PATH = '', HOME = '' } = process.env;
  const { aws, dynamodb } = cloud.endpoints;
  // A profile and keys of AWS: they must have no effect.
  const foreign = { AWS_PROFILE: 'prod', AWS_ACCESS_KEY_ID: 'AKIAFOREIGN', AWS_SECRET_ACCESS_KEY: 'x' };
  const env = { PATH, HOME, ...foreign, AWS_ENDPOINT_URL: aws, AWS_ENDPOINT_URL_DYNAMODB: dynamodb };
  const run = path.join(ROOT, 'cli/node/run.js');
  const command = [run, 'serverless', 'invoke', 'local', ...args];
  const child = spawn(process.execPath, command, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
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

it.each(FIRST_OF_EACH)('invokes $functionName with $file', async (sample) => {
  const { code, out, said } = await invoke('-f', sample.functionName, '-p', `events/${sample.file}`);
  expect(code, said + out).toBe(0);
  // Log lines of the function, each in one line, stand before its answer.
  const from = /^\{$/m.exec(out)?.index;
  expectAnswer(sample, from === undefined ? null : JSON.parse(out.slice(from)));
});

const COPIED = ['functions', 'infrastructure', 'serverless.yml'];
const LINKED = ['cli', 'events', 'local', 'node_modules', 'package.json', 'shared'];

/** A copy of the service whose api is broken. */
async function brokenService(breakFile: (handler: string) => Promise<void>): Promise<string> {
  const folder = await folderOfTest();
  for (const name of COPIED) await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  for (const name of LINKED) await symlink(path.join(ROOT, name), path.join(folder, name), 'junction');
  await breakFile(path.join(folder, 'functions/api/handler.ts'));
  return folder;
}

it.each([
  [
    'throws while it is loaded',
    (file: string) => writeFile(file, 'throw new Error("broken on purpose");\nexport const handler = 0;\n'),
    /broken on purpose/,
  ],
  ["can't be bundled", (file: string) => appendFile(file, '\nconst = 1;\n'), /Build failed/],
])('ends with the fault of a function that %s', async (_, breakFile, says) => {
  const folder = await brokenService(breakFile);
  const { code, out, said } = await invokeIn(folder, '-f', 'api', '-p', 'events/api-post-plans.json');
  expect(code).toBe(1);
  expect(said + out).toMatch(says);
});

it.each([
  ['a file that is not there', ['-f', 'api', '-p', 'events/none.json'], /does not exist/],
  ['no function of that name', ['-f', 'none', '-d', '{}'], /none/],
  ['an event that the function does not take', ['-f', 'ingest', '-d', '{"Records":[{}]}'], /errorMessage/],
])('ends with the fault of %s', async (_, args, says) => {
  const { code, out, said } = await invoke(...args);
  expect(code).toBe(1);
  expect(said + out).toMatch(says);
});
