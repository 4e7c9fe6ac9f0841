// The samples of events/: each function takes them, and `serverless invoke local` is told where and as whom to run. That command
// itself runs in tests/long/invoke-local.test.ts.
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { embeddedInvocation } from '../../cli/up/invocation.ts';
import { startCloud } from '../../local/cloud.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { expectAnswer, readSample, SAMPLES } from '../helpers/sample-answers.ts';

describe('a sample', () => {
  const cloud = duringTests(startCloud);
  const place = () => ({
    AWS_ENDPOINT_URL: cloud.endpoints.aws,
    AWS_ENDPOINT_URL_DYNAMODB: cloud.endpoints.dynamodb,
  });

  it.each(SAMPLES)('$file is answered by $functionName', async (sample) => {
    const { adapted } = await embeddedInvocation({ function: sample.functionName }, place());
    expectAnswer(sample, await cloud.invoke(sample.functionName, adapted(readSample(sample.file))));
  });

  it('is invoked under the role of its function, with what the cloud gives the function', async () => {
    const { variables } = await embeddedInvocation(
      { function: 'upload', param: ['destinationBuckets=one,two', 'kmsKeys='] },
      place(),
    );
    expect(variables).toMatchObject({
      AWS_ACCESS_KEY_ID: 'role-UploadRole',
      AWS_ENDPOINT_URL_S3: cloud.endpoints.aws,
      AWS_ENDPOINT_URL_DYNAMODB: cloud.endpoints.dynamodb,
      SPILLWAY_UPLOAD_QUEUE_URL: cloud.names.queues['UploadQueue'],
      SPILLWAY_REPORT_BUCKET: cloud.names.reports,
      SPILLWAY_DESTINATION_BUCKETS: expect.stringContaining('two'),
      SPILLWAY_SOURCE_BUCKETS: 'spillway-source',
    });
    expect(JSON.stringify(variables)).not.toContain('amazonaws.com');
  });

  it('is invoked by no function that is not there, and not in a container', async () => {
    await expect(embeddedInvocation({ function: 'none' }, place())).rejects.toThrow(/takes ingest, upload/);
    await expect(embeddedInvocation({ function: 'api', docker: true }, place())).rejects.toThrow(/docker/);
  });
});

describe('an address that is not on this machine', () => {
  it.each([
    'https://s3.us-east-1.amazonaws.com',
    'http://s3.us-east-1.amazonaws.com',
    'http://127.0.0.1.example.com:4566',
    'http://127.0.0.1@example.com',
    'https://127.0.0.1:4566',
    'nothing',
  ])('is refused: %s', async (url) => {
    const own = 'http://127.0.0.1:1';
    for (const env of [
      { AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_DYNAMODB: own },
      { AWS_ENDPOINT_URL: own, AWS_ENDPOINT_URL_DYNAMODB: url },
    ])
      await expect(embeddedInvocation({ function: 'api' }, env)).rejects.toThrow(
        /on the embedded cloud alone/,
      );
  });

  it('is told apart from a cloud that does not run', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
    await expect(embeddedInvocation({ function: 'api' }, env)).rejects.toThrow(/spillway up/);
  });
});
