// What spillway up prints when it is ready: lines that are pasted into another terminal.
import { expect, it } from 'vitest';
import { readyText } from '../../cli/up/run.ts';

it('exports the address of every service, since DynamoDB has a port of its own', () => {
  const endpoints = { aws: 'http://127.0.0.1:1', dynamodb: 'http://127.0.0.1:2', api: 'http://127.0.0.1:3' };
  const names = { inbox: 'inbox', destination: 'destination', reports: 'reports' };
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const cloud = { endpoints, names, clientConfig: () => ({ region: 'us-east-1', credentials }) };
  const text = String(readyText(cloud as unknown as Parameters<typeof readyText>[0], 3_500));
  const exported = Object.fromEntries(
    [...text.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
  expect(exported).toMatchObject({
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: endpoints.aws,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    SPILLWAY_API: endpoints.api,
  });
});
