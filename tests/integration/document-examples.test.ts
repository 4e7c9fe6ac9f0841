// The examples with curl in the documents, as they stand there: each block runs in a folder of its own, against the embedded cloud.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PORTS } from '../../cli/up/ports.ts';
import { isEndOfJob } from '../../shared/report/job-event-names.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Example {
  file: string;
  line: number;
  text: string;
  /** Programs that it calls. */
  needs: string[];
}

async function examples(): Promise<Example[]> {
  const names = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const found: Example[] = [];
  for (const file of ['README.md', ...names.map((name) => `docs/${name}`)]) {
    const document = await readFile(join(ROOT, file), 'utf8');
    for (const { 1: text = '', index } of document.matchAll(/^```sh\n(.*?)^```$/gms)) {
      const needs = ['curl', 'jq', 'aws'].filter((program) => new RegExp(`\\b${program} `).test(text));
      const line = document.slice(0, index).split('\n').length;
      if (needs.includes('curl')) found.push({ file, line, text, needs });
    }
  }
  return found;
}

const isThere = (program: string) => spawnSync(program, ['--version']).status === 0;
/** Jobs that a block starts. */
const JOBS = [/\/jobs\?spread/, /aws .* s3 cp /, /-F file=/];

const EXAMPLES = await examples();

it('are found', () => {
  expect(EXAMPLES.map(({ file }) => file)).toEqual(['README.md', 'docs/manifests.md', 'docs/manifests.md']);
});

describe('an example', () => {
  let folder: string;
  const cloud = duringTests(startPipelineCloud);

  /** The block with the ports of this cloud. An answer that is no success ends it, as by `curl -f`. */
  async function run(text: string): Promise<{ code: number | null; said: string }> {
    folder = await mkdtemp(join(tmpdir(), 'spillway-example-'));
    try {
      await writeFile(join(folder, '.curlrc'), 'fail\nsilent\nshow-error\n');
      const here = text
        .replaceAll(`http://127.0.0.1:${PORTS.aws}`, cloud.endpoints.aws)
        .replaceAll(`http://127.0.0.1:${PORTS.api}`, cloud.endpoints.api);
      const { PATH = '' } = process.env;
      const keys = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'us-east-1' };
      const env = { PATH, HOME: folder, CURL_HOME: folder, ...keys };
      const child = spawn('sh', ['-eu', '-c', here], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (bytes) => (said += String(bytes)));
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      return { code, said };
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  it.each(EXAMPLES)('runs as it stands in $file, line $line', async ({ text, needs }) => {
    const missing = needs.filter((program) => !isThere(program));
    if (missing.length > 0) return void console.warn(`skipped: ${missing.join(' and ')} not installed`);
    const endedBefore = cloud.events().filter(isEndOfJob).length;
    const { code, said } = await run(text);
    expect(code, said).toBe(0);
    const jobs = JOBS.filter((one) => one.test(text)).length;
    await cloud.until(
      `${jobs} jobs end`,
      () => cloud.events().filter(isEndOfJob).length === endedBefore + jobs,
    );
    for (const { detail } of cloud.events().filter(isEndOfJob))
      expect(detail).toMatchObject({ state: 'completed', rows: 1, stored: 1 });
  });
});
