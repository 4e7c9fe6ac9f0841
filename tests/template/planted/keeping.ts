// Data, messages and logs that are kept too short or too long.
import { type PlantedFault, planted, set } from './fault.ts';

export const KEEPING_FAULTS: PlantedFault[] = [
  planted('data outlives the stack', 'LedgerTable is deleted with the stack: Delete', (_, { Resources }) =>
    set(Resources.LedgerTable, { DeletionPolicy: 'Delete' }),
  ),
  planted('data outlives the stack', 'ReportBucket is deleted when it is replaced', (_, { Resources }) =>
    set(Resources.ReportBucket, { UpdateReplacePolicy: undefined }),
  ),
  planted('data outlives the stack', 'OtherQueue is deleted with the stack', (_, { Resources }) =>
    set(Resources, { OtherQueue: { Type: 'AWS::SQS::Queue', Properties: {} } }),
  ),
  planted('logs expire', 'UploadLogGroup keeps its logs for ever', (of) =>
    set(of('UploadLogGroup'), { RetentionInDays: undefined }),
  ),
  planted('logs expire', 'UploadLambdaFunction writes logs to /aws/lambda/other', (of) =>
    set(of('UploadLambdaFunction'), { FunctionName: 'other' }),
  ),
  planted(
    'messages stay hidden while their function works',
    'hides messages for 1080 s, less than 1081 s',
    (of) => set(of('UploadQueue'), { VisibilityTimeout: 1080 }),
  ),
  planted('dead letters outlive their queue', 'UploadQueue keeps messages for 1209600 s', (of) =>
    set(of('UploadQueue'), { MessageRetentionPeriod: 1_209_600 }),
  ),
  planted('dead letters outlive their queue', 'UploadQueue has no queue of dead letters', (of) =>
    set(of('UploadQueue'), { RedrivePolicy: undefined }),
  ),
  planted('dead letters outlive their queue', 'is no source that DeadLetters takes dead letters from', (of) =>
    set(of('DeadLetters'), { RedriveAllowPolicy: { redrivePermission: 'byQueue', sourceQueueArns: [] } }),
  ),
];
