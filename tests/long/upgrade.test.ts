// An upgrade in place: a job that began under the last version, or another configuration, ends under this one.
import { execFileSync, spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';
import { type PipelineCloud, SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Their messages, rows and files are what an upgrade meets. */
const EARLIER_VERSIONS = [
  // Before upgrades were tested.
  'a81a609c1c',
  // Before roles, the one dead-letter queue, compressed outcomes and the table for them: the oldest with these parameters.
  '1a812f6fa1',
] as const;
const ROWS = 240;
/** A busy machine takes a minute for what takes seconds elsewhere. */
const WAIT_MS = 300_000;
const BODY = `key,text\n${Array.from({ length: ROWS }, (_, row) => `k${row},text ${row}`).join('\n')}\n`;

const isThere = (version: string) =>
  spawnSync('git', ['-C', ROOT, 'cat-file', '-e', `${version}^{commit}`]).status === 0;

let cloud: PipelineCloud | undefined;
afterEach(async () => {
  await cloud?.stop();
  cloud = undefined;
});

/** An earlier version's files, with the packages of this one. */
async function unpack(version: string): Promise<string> {
  const folder = await folderOfTest();
  const archive = execFileSync('git', ['-C', ROOT, 'archive', version], { maxBuffer: 256 * 1024 ** 2 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  return folder;
}

/** Starts the job, and returns once a part of its objects is stored. */
async function beginJob(running: PipelineCloud) {
  const dropped = await running.drop('upgrade.csv', BODY, { options: { spread: 'off' } });
  await running.until(
    'a part is stored',
    async () => (await running.keys(running.names.destination)).length > 50,
  );
  expect(running.endsOf(dropped)).toEqual([]);
  return dropped;
}

async function expectWhole(running: PipelineCloud, dropped: Awaited<ReturnType<typeof beginJob>>) {
  const end = await running.ended(dropped, WAIT_MS);
  expect(end).toMatchObject({ state: 'completed', rows: ROWS, stored: ROWS, failed: 0, unaccounted: 0 });
  expect(await running.keys(running.names.destination)).toHaveLength(ROWS);
  const stored = (await running.rows(end, 'succeeded')).map((row) => row['key']);
  expect(new Set(stored).size).toBe(ROWS);
  expect(stored).toHaveLength(ROWS);
}

const SLOW = {
  limit: { limitPerSecond: 60 },
  sliceBytes: 65_536,
  params: { blockRows: '50', batchSize: '10' },
};

describe('a job that runs during a deployment', { timeout: 2 * WAIT_MS }, () => {
  it('ends with every row once under another configuration', async () => {
    cloud = await startPipelineCloud(SLOW);
    const dropped = await beginJob(cloud);
    await cloud.redeploy(({ ingest, upload }) => {
      if (ingest === undefined || upload === undefined) throw new Error('the stages have other names');
      // The job keeps the sizes with which it began.
      ingest.environment['SPILLWAY_BLOCK_ROWS'] = '500';
      ingest.environment['SPILLWAY_SLICE_BYTES'] = '8388608';
      upload.environment['SPILLWAY_SOURCE_BUCKETS'] = '';
      upload.memoryMb = 2048;
    });
    await expectWhole(cloud, dropped);
  });

  it.for(EARLIER_VERSIONS)(
    'ends with every row once under this version, begun under %s',
    async (version, { skip }) => {
      skip(!isThere(version), 'this clone does not hold the earlier version');
      const earlier = await unpack(version);
      const present = await readService(SERVICE_FILE, {
        params: { ...SLOW.params, sourceBuckets: SOURCE_BUCKET },
      });
      cloud = await startPipelineCloud({
        ...SLOW,
        serviceFile: path.join(earlier, 'serverless.yml'),
        // CloudFormation makes what is new, and changes the roles, before it changes the functions.
        adjust(service) {
          service.tables = { ...present.tables, ...service.tables };
          service.queues = { ...present.queues, ...service.queues };
          for (const [id, { statements }] of Object.entries(present.roles))
            service.roles[id]?.statements.push(...statements);
        },
      });
      expect(cloud.service.functions['upload']?.handlerFile).toContain(earlier);
      const dropped = await beginJob(cloud);
      await cloud.redeploy((functions) => {
        for (const [name, model] of Object.entries(functions)) {
          const now = present.functions[name];
          if (now === undefined) continue;
          const { handlerFile, handlerExport, environment, timeoutSeconds, memoryMb } = now;
          const retry = model.environment['SPILLWAY_RETRY_SECONDS'];
          Object.assign(model, { handlerFile, handlerExport, environment, timeoutSeconds, memoryMb });
          if (retry !== undefined) environment['SPILLWAY_RETRY_SECONDS'] = retry;
        }
      });
      expect(cloud.service.functions['upload']?.handlerFile).not.toContain(earlier);
      await expectWhole(cloud, dropped);
    },
  );
});
