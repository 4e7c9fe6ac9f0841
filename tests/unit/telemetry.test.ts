// What a function writes of an invocation: CloudWatch bills each byte of it.
import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { instrument } from '../../functions/runtime/instrument.ts';
import { LOG } from '../../functions/runtime/log-messages.ts';
import { createTelemetry, type Telemetry } from '../../functions/runtime/telemetry.ts';
import { createFunctionLogs } from '../../local/lambda/logs.ts';

const context = {
  awsRequestId: '11111111-2222-3333-4444-555555555555',
  functionName: 'spillway-dev-upload',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:spillway-dev-upload',
  memoryLimitInMB: '1024',
} as Context;

let written: string[] = [];
beforeEach(() => {
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'spillway-dev-upload');
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Spillway');
  vi.stubEnv('_X_AMZN_TRACE_ID', '');
  // Each Powertools object has a console of its own, on these streams. Lambda logs what comes from both.
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** The lines of a second invocation: the first one is a cold start. */
async function linesOf(work: (telemetry: Telemetry) => void): Promise<string[]> {
  const telemetry = createTelemetry();
  const run = instrument(telemetry, () => async () => work(telemetry));
  await run({}, context);
  written = [];
  await run({}, context);
  return written.join('').split('\n').slice(0, -1);
}
const parsed = async (work: (telemetry: Telemetry) => void) =>
  (await linesOf(work)).map((line) => JSON.parse(line) as Record<string, unknown>);

/** Of a batch of five objects in one job. */
const usual = ({ logger, count }: Telemetry) => {
  count({ ObjectsStored: 5, Attempts: 5, RequestMs: [21, 24, 25, 25, 31], Pace: [350] });
  logger.info(LOG.batchUploaded, {
    jobs: ['0123456789abcdef0123'],
    slices: [12],
    messages: 5,
    ObjectsStored: 5,
  });
};

describe('an invocation', () => {
  it('is one line with its metrics, of at most 600 bytes for a small batch', async () => {
    const lines = await linesOf(usual);
    expect(lines).toHaveLength(1);
    expect(Buffer.byteLength(lines[0] ?? '')).toBeLessThanOrEqual(600);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'INFO',
      message: 'batch uploaded',
      service: 'spillway-dev-upload',
      function_request_id: context.awsRequestId,
      jobs: ['0123456789abcdef0123'],
      slices: [12],
      messages: 5,
      ObjectsStored: 5,
      Attempts: 5,
      RequestMs: [21, 24, 25, 25, 31],
      Pace: 350,
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'Spillway',
            Dimensions: [['service']],
            Metrics: [
              { Name: 'ObjectsStored', Unit: 'Count' },
              { Name: 'Attempts', Unit: 'Count' },
              { Name: 'RequestMs', Unit: 'Milliseconds' },
              { Name: 'Pace', Unit: 'Count/Second' },
            ],
          },
        ],
      },
    });
  });

  it('writes metrics that no line has carried at its end, and each of them once', async () => {
    const logs = createFunctionLogs();
    const lines = await linesOf((telemetry) => {
      usual(telemetry);
      telemetry.count({ MessagesFailed: 1 });
    });
    logs.writer('upload')(`${lines.join('\n')}\n`);
    expect(lines).toHaveLength(2);
    expect(logs.lines()).toHaveLength(1);
    expect(logs.metrics()).toEqual({
      ObjectsStored: 5,
      Attempts: 5,
      RequestMs: 126,
      Pace: 350,
      MessagesFailed: 1,
    });
  });

  it('gives lists that a line would cut a line of their own', async () => {
    const values = Array.from({ length: 60 }, (_, ms) => ms);
    const [metrics, line] = await parsed(({ logger, count }) => {
      count({ RequestMs: values });
      logger.info(LOG.batchUploaded, { messages: 60 });
    });
    expect(metrics?.['RequestMs']).toEqual(values);
    expect(line).toMatchObject({ message: 'batch uploaded', timestamp: expect.any(String) });
    expect(line).not.toHaveProperty('_aws');
  });

  it('says when a line without metrics was written, and its error in full', async () => {
    const [line] = await parsed(({ logger }) =>
      logger.error(LOG.messageNotSettled, { error: new TypeError('no such slice') }),
    );
    expect(line).toMatchObject({
      level: 'ERROR',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      error: { name: 'TypeError', message: 'no such slice', stack: expect.any(String) },
    });
  });

  it('names its trace where it is traced', async () => {
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-0-a;Parent=b;Sampled=1');
    expect((await parsed(usual))[0]).toMatchObject({ xray_trace_id: '1-0-a' });
  });
});
