// The packaged stack on moto, an emulation of AWS that is independent of this project: its CloudFormation resolves the packaged
// template, and its S3, SQS, DynamoDB and EventBridge serve the packaged functions.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runsEndToEnd, SOURCE_BUCKET } from '../helpers/packaged/end-to-end.ts';
import { MOTO_ACCOUNT_ID, motoVersion } from '../helpers/packaged/moto.ts';
import { type MotoWorld, startMotoWorld } from '../helpers/packaged/moto-world.ts';
import { type UnpackedService, unpackService } from '../helpers/packaged/packaged-service.ts';

/** Bounds a run that hangs. */
const START_MS = 300_000;

/**
 * Types that moto's CloudFormation does not know. What else it lacks, and how the test gets by:
 * - buckets are made without versions and notifications: the test sets those of the template by S3's own API
 * - notifications carry neither versionId nor sequencer: the poller adds the version id
 * - CopyObject ignores If-None-Match: no job here skips what exists
 * - EventBridge sends every event to the rules of schedules too, and fails there: their targets are removed
 * - functions run in Docker: their event sources are disabled, and the embedded cloud's poll the same queues
 */
const NOT_MADE_BY_MOTO: Readonly<Record<string, string>> = {
  'AWS::ApiGatewayV2::Api': 'the embedded HTTP API serves the routes of the template',
  'AWS::ApiGatewayV2::Integration': 'part of the HTTP API',
  'AWS::ApiGatewayV2::Route': 'part of the HTTP API',
  'AWS::ApiGatewayV2::Stage': 'part of the HTTP API',
  'AWS::CloudWatch::Alarm': 'nothing in a job depends on an alarm; tests/template looks at each',
  'AWS::Lambda::EventInvokeConfig': 'bounds the retries of sweep; tests/unit/schedule.test.ts has them',
  'AWS::Logs::QueryDefinition':
    'nothing in a job depends on a saved query; tests/integration/log-queries.test.ts',
  'AWS::S3::BucketPolicy': 'denies only what no function does; tests/template looks at each',
  'AWS::SNS::TopicPolicy': 'nothing in a job depends on an alarm; tests/template looks at each',
  'AWS::SQS::QueuePolicy': 'denies only what no function does; tests/template looks at each',
};

const moto = motoVersion();
const why = moto === undefined ? ' (skipped: python3 -m pip install "moto[server]==5.2.*")' : '';
describe.skipIf(moto === undefined)(`the packaged stack on moto${why}`, () => {
  let service: UnpackedService;
  let world: MotoWorld;
  beforeAll(async () => {
    service = await unpackService({ sourceBuckets: SOURCE_BUCKET });
    world = await startMotoWorld(service, process.env['SPILLWAY_RUNTIME_CLIENT']);
  }, START_MS);
  afterAll(async () => {
    await world?.stop();
    await service?.remove();
  });

  it('has every resource of the template, but those that moto does not know', () => {
    const missing = Object.entries(service.template.Resources)
      .filter(([id]) => world.deployment.created[id] === undefined)
      .filter(([, { Type }]) => NOT_MADE_BY_MOTO[Type] === undefined);
    expect(missing.map(([id, { Type }]) => `${id}: ${Type}`)).toEqual([]);
  });

  it('gives each function the environment that the embedded cloud gives it', () => {
    const ours = Object.values(service.model(MOTO_ACCOUNT_ID).functions);
    const { functions } = world.deployment;
    expect(
      Object.fromEntries(ours.map(({ deployedName, environment }) => [deployedName, environment])),
    ).toEqual(
      Object.fromEntries(
        Object.entries(functions).map(([name, { Environment }]) => [name, Environment.Variables]),
      ),
    );
  });

  it('holds the zips, handlers, limits and roles of the package', async () => {
    for (const [name, ours] of Object.entries(service.model(MOTO_ACCOUNT_ID).functions)) {
      const { Role, ...deployed } = world.deployment.functions[ours.deployedName] ?? { Role: '' };
      const zip = createHash('sha256').update(await service.readZip(name));
      expect(deployed).toMatchObject({
        Handler: service.functions[ours.deployedName]?.handler,
        Runtime: 'nodejs24.x',
        Timeout: ours.timeoutSeconds,
        MemorySize: ours.memoryMb,
        CodeSha256: zip.digest('base64'),
      });
      expect(Role).toContain(`role/${world.deployment.created[ours.role ?? '']}`);
    }
  });

  it('maps each queue to its function as the template says', () => {
    const ours = Object.values(service.model(MOTO_ACCOUNT_ID).functions).flatMap(({ arn, sqsSources }) =>
      sqsSources.map(({ queueArn, batchSize, windowSeconds, maximumConcurrency }) => ({
        ...{ arn, queueArn, batchSize, windowSeconds, maximumConcurrency },
      })),
    );
    const theirs = world.deployment.mappings.map((mapping) => ({
      arn: mapping.FunctionArn,
      queueArn: mapping.EventSourceArn,
      batchSize: mapping.BatchSize,
      windowSeconds: mapping.MaximumBatchingWindowInSeconds ?? 0,
      maximumConcurrency: mapping.ScalingConfig?.MaximumConcurrency,
    }));
    expect(new Set(theirs)).toEqual(new Set(ours));
  });

  // moto stores a few objects a second on a busy machine.
  runsEndToEnd(() => world, 60);
});
