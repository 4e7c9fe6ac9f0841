// The parameter `tracing`: active tracing with the two permissions for it. That nothing of it is there by default is held by
// template.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageTemplate, type Resource } from '../helpers/package-service.ts';

let service: Awaited<ReturnType<typeof packageTemplate>>;
beforeAll(async () => {
  service = await packageTemplate({ tracing: 'true' });
});
afterAll(() => service?.remove());

const ofType = (type: string): [string, Resource][] =>
  Object.entries(service.template.Resources).filter(([, { Type }]) => Type === type);

describe('with tracing', () => {
  it('every function is traced', () => {
    const functions = ofType('AWS::Lambda::Function');
    expect(functions).toHaveLength(6);
    for (const [id, { Properties }] of functions)
      expect(Properties['TracingConfig'], id).toEqual({ Mode: 'Active' });
  });

  it('every role may send traces, by a policy that allows no more', () => {
    const policies = ofType('AWS::IAM::ManagedPolicy');
    expect(policies.map(([id]) => id)).toEqual(['TracePolicy']);
    expect(policies[0]?.[1].Properties['PolicyDocument']).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' },
      ],
    });
    // The role names its policy, so the policy exists before the function asks for traces.
    const roles = ofType('AWS::IAM::Role');
    expect(roles).toHaveLength(6);
    for (const [id, { Properties }] of roles)
      expect(Properties['ManagedPolicyArns'], id).toEqual([{ Ref: 'TracePolicy' }]);
  });
});
