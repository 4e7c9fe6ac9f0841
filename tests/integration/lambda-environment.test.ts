// Execution environments, schedules and crash points, and the cloud's own start and end.
import { createServer } from 'node:net';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCloud } from '../../local/cloud.ts';
import { createLambdaFaults } from '../../local/faults/lambda.ts';
import { createLambdaHost } from '../../local/lambda/host.ts';
import { createFunctionLogs } from '../../local/lambda/logs.ts';
import { readService } from '../../local/service/read-service.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';
import { FIXTURE_SERVICE, type FixtureCloud, startFixtureCloud } from '../helpers/fixture-cloud.ts';

interface TickAnswer {
  ticks: number;
  event: Record<string, unknown>;
  context: Record<string, unknown>;
  env: Record<string, string>;
}

describe('a function on the embedded cloud', () => {
  let cloud: FixtureCloud;
  let s3: S3Client;
  beforeAll(async () => {
    cloud = await startFixtureCloud();
    s3 = new S3Client(cloud.clientConfig());
  });
  afterAll(async () => {
    s3?.destroy();
    await cloud?.stop();
  });

  it('has the environment, the context and the event that Lambda gives', async () => {
    const { event, context, env } = (await cloud.trigger('tick')) as TickAnswer;
    expect(env).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: 'fixture-test-tick',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/fixture-test-tick',
      AWS_REGION: 'eu-west-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_ENDPOINT_URL_S3: cloud.endpoints.aws,
      AWS_ENDPOINT_URL_DYNAMODB: cloud.endpoints.dynamodb,
      SHARED: 'fixture-test',
      _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};.*;Lineage=[0-9a-f]{8}:1$/),
    });
    expect(env).not.toHaveProperty('HOME');
    expect(context).toMatchObject({
      functionName: 'fixture-test-tick',
      invokedFunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:fixture-test-tick',
      memoryLimitInMB: '1024',
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(context.remainingMs).toBeGreaterThan(9_000);
    expect(event).toMatchObject({
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      region: 'eu-west-1',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
  });

  it('has the URL of the emulated queue where serverless.yml refers to it', async () => {
    expect(cloud.names.queues.ObeyQueue).toMatch(new RegExp(`^${cloud.endpoints.aws}/`));
  });

  it('keeps its state while warm', async () => {
    const first = (await cloud.trigger('tick')) as TickAnswer;
    const second = (await cloud.trigger('tick')) as TickAnswer;
    expect(second.ticks).toBe(first.ticks + 1);
  });

  it('has its metrics summed and its other output kept by the line', async () => {
    const before = cloud.metrics();
    await cloud.trigger('tick');
    const after = cloud.metrics();
    expect((after.Ticks ?? 0) - (before.Ticks ?? 0)).toBe(1);
    expect((after.Sizes ?? 0) - (before.Sizes ?? 0)).toBe(5);
    expect(cloud.metricsOf('tick')).toEqual(after);
    expect(cloud.metricsOf('obey')).toEqual({});
    const lines = cloud.logs().map(({ line }) => line);
    expect(lines).toContain('and more');
    expect(lines.join()).not.toContain('CloudWatchMetrics');
  });

  const stored = async (prefix: string) => {
    const listed = await s3.send(
      new ListObjectsV2Command({ Bucket: 'fixture-store-000000000000', Prefix: `${prefix}/` }),
    );
    return (listed.Contents ?? []).map(({ Key }) => Number(Key?.split('/')[1]));
  };

  it.each([
    { when: 'before', request: 1, left: [], seen: 0 },
    { when: 'before', request: 2, left: [1], seen: 1 },
    { when: 'before', request: 3, left: [1, 2], seen: 2 },
    { when: 'after', request: 1, left: [1], seen: 0 },
    { when: 'after', request: 2, left: [1, 2], seen: 1 },
    { when: 'after', request: 3, left: [1, 2, 3], seen: 2 },
  ] as const)('dies $when its request $request and leaves $left', async ({ when, request, left, seen }) => {
    const prefix = `${when}-${request}`;
    const report = cloud.crash('steps', { request, when });
    await expect(cloud.invoke('steps', { prefix })).rejects.toThrow('died as ordered');
    expect(await report).toEqual({ kind: 'died', times: 1 });
    expect(await stored(prefix)).toEqual(left);
    const own = cloud.logged<{ prefix?: string }>('steps').filter((line) => line.prefix === prefix);
    expect(own).toHaveLength(seen);
  });

  it('survives an order to die at a request that it does not make, and says how many it made', async () => {
    const report = cloud.crash('steps', { request: 4, when: 'after' });
    expect(await cloud.invoke('steps', { prefix: 'survives' })).toBe('done');
    expect(await report).toEqual({ kind: 'survived', requests: 3, times: 0 });
    expect(cloud.crashes()).toEqual({ steps: 6 });
  });

  it('dies as many times as ordered', async () => {
    const report = cloud.crash('steps', { request: 1, when: 'before', times: 2 });
    await expect(cloud.invoke('steps', { prefix: 'twice' })).rejects.toThrow('died as ordered');
    await expect(cloud.invoke('steps', { prefix: 'twice' })).rejects.toThrow('died as ordered');
    expect(await cloud.invoke('steps', { prefix: 'twice' })).toBe('done');
    expect(await report).toEqual({ kind: 'died', times: 2 });
  });
});

describe('an execution environment', () => {
  const hostDependencies = () => ({
    clock: systemClock,
    logs: createFunctionLogs(),
    faults: createLambdaFaults(createRandom(1)),
  });

  it('is ended after it has been idle for long enough, and a new one takes its place', async () => {
    const { functions } = await readService(FIXTURE_SERVICE);
    const host = createLambdaHost(hostDependencies(), functions, {
      environments: 2,
      variables: () => ({}),
      idleMs: 300,
    });
    const tick = async () => {
      const result = await host.invoke('tick', '{"time":"2026-01-01T00:00:00Z"}', 'Root=1-a-b');
      return result.kind === 'answered' ? (JSON.parse(result.payload) as TickAnswer).ticks : result.error;
    };
    expect([await tick(), await tick()]).toEqual([1, 2]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await tick()).toBe(1);
    expect(host.usage().tick).toMatchObject({ invocations: 3, coldStarts: 2, errors: 0 });
    await host.stop();
  });

  it('is ended when its memory is used up', async () => {
    const { functions } = await readService(FIXTURE_SERVICE);
    // A small heap is soon full. On a busy machine it takes many seconds nevertheless.
    const { obey } = functions;
    if (obey !== undefined) {
      obey.memoryMb = 64;
      obey.timeoutSeconds = 110;
    }
    const host = createLambdaHost(hostDependencies(), functions, {
      environments: 1,
      variables: () => ({}),
    });
    const result = await host.invoke(
      'obey',
      '{"Records":[{"body":"{\\"act\\":\\"hoard\\"}","attributes":{}}]}',
      '',
    );
    expect(result).toMatchObject({
      kind: 'failed',
      error: { errorMessage: expect.stringMatching(/memory/) },
    });
    await host.stop();
  });
});

describe('the embedded cloud', () => {
  it('runs schedules on the clock, as adjusted', async () => {
    const cloud = await startFixtureCloud({
      adjust: ({ functions }) => {
        for (const schedule of functions.tick?.schedules ?? []) schedule.everyMs = 200;
      },
    });
    await vi.waitFor(() => expect(cloud.metrics().Ticks).toBeGreaterThanOrEqual(3), { timeout: 240_000 });
    await cloud.stop();
  });

  it('stops in mid-invocation, and twice as well as once', async () => {
    const cloud = await startFixtureCloud();
    await cloud.order('ObeyQueue', { act: 'hang' });
    await vi.waitFor(() => expect(cloud.logged('obey')).toHaveLength(1), { timeout: 240_000 });
    const hanging = cloud.invoke('obey', { Records: [{ body: '{"act":"hang"}', attributes: {} }] });
    const failed = expect(hanging).rejects.toThrow();
    const started = Date.now();
    await Promise.all([cloud.stop(), cloud.stop()]);
    expect(Date.now() - started).toBeLessThan(2_000);
    await failed;
    await cloud.stop();
  });

  it.each(['aws', 'dynamodb', 'api'] as const)('says so where the port for %s is taken', async (which) => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const starting = startCloud({ serviceFile: FIXTURE_SERVICE, ports: { [which]: port } });
    await expect(starting).rejects.toThrow(new RegExp(`port ${port}.*taken.*another port`));
    await new Promise((resolve) => taken.close(resolve));
  });
});
