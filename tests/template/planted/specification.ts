// Faults against the specification of resources.
import { type PlantedFault, planted, set } from './fault.ts';

export const SPECIFICATION_FAULTS: PlantedFault[] = [
  planted(
    'resources are as CloudFormation specifies them',
    'UploadQueue has the unknown property VisibilitySeconds',
    (of) => set(of('UploadQueue'), { VisibilitySeconds: 9 }),
  ),
  planted(
    'resources are as CloudFormation specifies them',
    'UploadQueue.VisibilityTimeout is "long", not a whole number',
    (of) => set(of('UploadQueue'), { VisibilityTimeout: 'long' }),
  ),
  planted(
    'resources are as CloudFormation specifies them',
    'UploadLambdaFunction.RecursiveLoop is "Perhaps", not one of Allow, Terminate',
    (of) => set(of('UploadLambdaFunction'), { RecursiveLoop: 'Perhaps' }),
  ),
  planted('resources are as CloudFormation specifies them', 'UploadLambdaFunction lacks Role', (of) =>
    set(of('UploadLambdaFunction'), { Role: undefined }),
  ),
  planted(
    'resources are as CloudFormation specifies them',
    'LedgerTable.WarmThroughput has the unknown property Reads',
    (of) => set(of('LedgerTable'), { WarmThroughput: { Reads: 1 } }),
  ),
  planted(
    'resources are as CloudFormation specifies them',
    'InboxBucket.VersioningConfiguration.Status is "On", not one of',
    (of) => set(of('InboxBucket'), { VersioningConfiguration: { Status: 'On' } }),
  ),
  planted(
    'resources are as CloudFormation specifies them',
    'UploadQueue has the unknown type AWS::SQS::Que',
    (_, { Resources }) => set(Resources.UploadQueue, { Type: 'AWS::SQS::Que' }),
  ),
  planted(
    'references name what exists',
    'UploadQueue.RedrivePolicy.deadLetterTargetArn refers to Nowhere',
    (of) =>
      set(of('UploadQueue'), {
        RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Nowhere', 'Arn'] } },
      }),
  ),
  planted(
    'references name what exists',
    'asks for DeadLetters.Address, which AWS::SQS::Queue does not have',
    (of) =>
      set(of('UploadQueue'), {
        RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Address'] } },
      }),
  ),
  planted('references name what exists', 'UploadQueue.QueueName refers to Nowhere', (of) =>
    set(of('UploadQueue'), { QueueName: { 'Fn::Sub': 'q-${Nowhere}' } }),
  ),
];
