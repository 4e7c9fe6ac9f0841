// What a deployment may do, and what stops it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allowingStatement } from '../../../local/iam/policy.ts';
import { RETURNS_PER_WORKER } from '../../../shared/queue/give-back.ts';
import { packageService } from '../../helpers/package-service.ts';
import { DEPLOYMENT_RIGHTS } from '../deployment-rights.ts';
import { service } from '../stack.ts';

describe('the policy of a deployment in docs/operations.md', () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const [, text = '{}'] = /```json\n(\{[^`]*cloudformation:\*[^`]*)```/.exec(page) ?? [];
  const list = (value: string | string[]) => (typeof value === 'string' ? [value] : value);
  const { Statement } = JSON.parse(text) as {
    Statement: { Action: string | string[]; Resource: string | string[]; Condition?: object }[];
  };
  const role = {
    ...{ name: 'deployment', arn: 'arn:aws:iam::ACCOUNT:role/deployment' },
    statements: Statement.map(({ Action, Resource: on, Condition = {} }) => ({
      actions: list(Action),
      resources: list(on),
      conditions: Object.fromEntries(
        Object.entries(Condition).map(([operator, keys]) => [
          operator,
          Object.fromEntries(Object.entries(keys as object).map(([key, value]) => [key, list(value)])),
        ]),
      ),
    })),
  };
  const context = {
    'iam:PassedToService': ['lambda.amazonaws.com'],
    'iam:AWSServiceName': ['ops.apigateway.amazonaws.com'],
    'iam:PolicyARN': ['arn:aws:iam::ACCOUNT:policy/spillway-prod-TracePolicy-XXXX'],
  };

  it.each(Object.entries(DEPLOYMENT_RIGHTS))('allows what %s needs', (_type, { on, actions }) => {
    const denied = actions.filter(
      (action) => allowingStatement(role, { action, resource: on, context }) === undefined,
    );
    expect(denied).toEqual([]);
  });

  it('is held against every type of resource in the template', () => {
    const types = Object.values(service.template.Resources).map(({ Type }) => Type);
    expect(Object.keys(DEPLOYMENT_RIGHTS)).toEqual(expect.arrayContaining([...new Set(types)]));
  });
});

describe('packaging', () => {
  it('stops when the fleet could fill the in-flight quota of the queue, and names the remedy', async () => {
    await expect(packageService({ maximumConcurrency: '400', batchSize: '1000' })).rejects.toThrow(
      /400 x \(batchSize 1000 \+ 60 returned\) = 424000 messages in flight.*Lower maximumConcurrency to 103/s,
    );
  });

  it('counts what each worker may have returned among the messages in flight', async () => {
    // In the workers' hands alone these are no more than 100,000.
    await expect(packageService({ maximumConcurrency: '1000', batchSize: '100' })).rejects.toThrow(
      new RegExp(`batchSize 100 \\+ ${RETURNS_PER_WORKER} returned\\) = 160000`),
    );
  });

  it('reports every bad parameter at once', async () => {
    await expect(
      packageService({
        maximumConcurrency: 'many',
        sourceBuckets: 's3://photos',
        destinationBuckets: 'spillway-prod-inbox-123456789012-us-east-1',
        logRetentionDays: '31',
        tracing: 'yes',
        alarmTopicArn: 'ops',
      }),
    ).rejects.toThrow(
      /sourceBuckets holds "s3:\/\/photos".*destinationBuckets holds "spillway-prod-inbox.*maximumConcurrency is "many".*logRetentionDays is "31".*alarmTopicArn is "ops".*tracing is "yes"; it takes true or false/s,
    );
  });
});
