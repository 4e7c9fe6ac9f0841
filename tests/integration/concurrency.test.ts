// `spillway concurrency` as an operator runs it, on the embedded cloud, while a job runs.
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { startPipelineCloud } from '../helpers/pipeline-cloud.ts';
import { runSpillway } from '../helpers/spillway.ts';

const ROWS = 120;

const cloud = duringTests(() =>
  startPipelineCloud({ params: { batchSize: '10' }, limit: { limitPerSecond: 100 } }),
);

const run = (...args: string[]) =>
  runSpillway(['concurrency', ...args, '--endpoint-url', cloud.endpoints.aws], {
    cwd: tmpdir(),
    env: { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'us-east-1' },
  });

describe('spillway concurrency', () => {
  it('shows the bound of the running stage', async () => {
    const shown = await run('--json');
    expect(shown.code, shown.stderr).toBe(0);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      stage: 'dev',
      function: 'spillway-dev-upload',
      enabled: true,
      before: 10,
      after: 10,
      batchSize: 10,
      messagesInFlightMost: 700,
      accountMost: 1_000,
    });
  });

  it('changes it under a running job, which ends with every row', async () => {
    const body = `key,text\n${Array.from({ length: ROWS }, (_, row) => `k${row},x`).join('\n')}\n`;
    const dropped = await cloud.drop('under-change.csv', body);
    const changed = await run('2');
    expect(changed.code, changed.stderr).toBe(0);
    expect(changed.stdout).toContain('runs 2 functions at once; it was 10 functions');
    expect(changed.stdout).toContain('--param="maximumConcurrency=2"');
    expect(cloud.service.functions['upload']?.sqsSources[0]?.maximumConcurrency).toBe(2);
    expect(await cloud.ended(dropped)).toMatchObject({ state: 'completed', rows: ROWS, stored: ROWS });
    expect(JSON.parse((await run('--json')).stdout)).toMatchObject({ before: 2, after: 2 });
  });

  it('refuses a value out of bounds, and a stage that is not there', async () => {
    const absent = await run('--stage', 'prod');
    expect(absent).toMatchObject({ code: 1, stdout: '' });
    expect(absent.stderr).toContain('no queue invokes a function spillway-prod-upload in us-east-1');
    const wrong = await run('1');
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('It takes 2 to 1000.');
  });
});
