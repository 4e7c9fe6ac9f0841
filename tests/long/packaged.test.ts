// The zips that `npm run package` builds, run as Lambda runs them: each function in processes of its own under the Runtime API, with the
// environment that the packaged template gives it and no module but its own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';
import { type EmbeddedWorld, startEmbeddedWorld } from '../helpers/packaged/embedded-world.ts';
import { runsEndToEnd, SOURCE_BUCKET } from '../helpers/packaged/end-to-end.ts';
import { type UnpackedService, unpackService } from '../helpers/packaged/packaged-service.ts';

const PARAMS = { sourceBuckets: SOURCE_BUCKET };
/** Bounds a start that hangs: packaging takes seconds. */
const START_MS = 300_000;

let service: UnpackedService;
beforeAll(async () => {
  service = await unpackService(PARAMS);
}, START_MS);
afterAll(() => service?.remove());

describe('the packaged template', () => {
  it('says what the embedded cloud reads of serverless.yml', async () => {
    const { directory: _, ...read } = await readService(SERVICE_FILE, { params: PARAMS });
    const { directory: __, ...packaged } = service.model();
    // Of osls' own: the bucket in which the zips lie.
    const { ServerlessDeploymentBucket: ___, ...buckets } = packaged.buckets;
    const { ServerlessDeploymentBucketPolicy: ____, ...policies } = packaged.policies;
    const functions = Object.entries(packaged.functions).map(([name, model]) => [
      name,
      { ...model, handlerFile: read.functions[name]?.handlerFile },
    ]);
    expect({ ...packaged, buckets, policies, functions: Object.fromEntries(functions) }).toEqual(read);
  });
});

describe('the packaged functions on the embedded cloud', () => {
  let world: EmbeddedWorld;
  beforeAll(async () => {
    world = await startEmbeddedWorld(service, process.env['SPILLWAY_RUNTIME_CLIENT']);
  }, START_MS);
  afterAll(() => world?.stop());

  runsEndToEnd(() => world, 520);

  it('are denied nothing by their roles', async () => {
    expect((await world.cloud.access()).denied).toEqual([]);
  });
});
