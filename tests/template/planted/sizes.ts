// Policies, environments and a template that are too large.
import { type PlantedFault, planted, rolePolicy, set } from './fault.ts';

export const SIZE_FAULTS: PlantedFault[] = [
  planted('roles hold their policies', 'UploadRole has', (of) =>
    rolePolicy(of('UploadRole')).Statement.push({
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: Array(200).fill(`arn:aws:s3:::${'b'.repeat(60)}/*`),
    }),
  ),
  planted('roles hold their trust policies', 'UploadRole has', (of) =>
    set(of('UploadRole'), { AssumeRolePolicyDocument: { Statement: 'x'.repeat(2048) } }),
  ),
  planted('buckets hold their policies', 'InboxBucketPolicy has', (of) =>
    set(of('InboxBucketPolicy'), { PolicyDocument: { Statement: 'x'.repeat(20_480) } }),
  ),
  planted('queues hold their policies', 'UploadQueuePolicy has', (of) =>
    set(of('UploadQueuePolicy'), { PolicyDocument: { Statement: 'x'.repeat(8192) } }),
  ),
  planted('functions hold their environments', 'IngestLambdaFunction has', (of) =>
    set(of('IngestLambdaFunction'), { Environment: { Variables: { HOSTS: 'h'.repeat(4096) } } }),
  ),
  planted('CloudFormation holds the template', 'resources, above 500', (_, { Resources }) => {
    for (let number = 0; number < 500; number++)
      Resources[`More${number}`] = { Type: 'AWS::SNS::Topic', Properties: {} };
  }),
];
