// Values out of their bounds.
import { type PlantedFault, planted, set } from './fault.ts';

export const BOUND_FAULTS: PlantedFault[] = [
  planted(
    'values are within the bounds of their services',
    'UploadLambdaFunction.Runtime is "nodejs99.x", not one of',
    (of) => set(of('UploadLambdaFunction'), { Runtime: 'nodejs99.x' }),
  ),
  planted(
    'values are within the bounds of their services',
    'UploadQueue.VisibilityTimeout is 43201, not a whole number from 0 to 43200 (SQS API',
    (of) => set(of('UploadQueue'), { VisibilityTimeout: 43_201 }),
  ),
  planted(
    'values are within the bounds of their services',
    'UploadLambdaFunction.Timeout is 901, not a whole number from 1 to 900',
    (of) => set(of('UploadLambdaFunction'), { Timeout: 901 }),
  ),
  planted(
    'values are within the bounds of their services',
    '.ScalingConfig.MaximumConcurrency is 1, not a whole number from 2 to 1000',
    (of) => set(of('IngestEventSourceMappingSQSIngestQueue'), { ScalingConfig: { MaximumConcurrency: 1 } }),
  ),
  planted(
    'values are within the bounds of their services',
    'UploadLogGroup.RetentionInDays is 31, not one of',
    (of) => set(of('UploadLogGroup'), { RetentionInDays: 31 }),
  ),
  planted('values are within the bounds of their services', 'not 1 to 64 characters, but 77', (of) =>
    set(of('UploadLambdaFunction'), { FunctionName: `spillway-dev-${'n'.repeat(53)}` }),
  ),
  planted('values are within the bounds of their services', 'not of the form', (of) =>
    set(of('UploadQueue'), { QueueName: 'up.load' }),
  ),
  planted(
    'values are within the bounds of their services',
    'DeadLetters.RedriveAllowPolicy.sourceQueueArns is a list of 11, not a list of 1 to 10',
    (of) =>
      set(of('DeadLetters'), {
        RedriveAllowPolicy: { redrivePermission: 'byQueue', sourceQueueArns: Array(11).fill('a') },
      }),
  ),
  planted(
    'values are within the bounds of their services',
    'no AWS::Lambda::EventInvokeConfig has MaximumEventAgeInSeconds',
    (of) => set(of('SweepLambdaEvConf'), { MaximumEventAgeInSeconds: undefined }),
  ),
  planted('large batches have a batching window', 'without a batching window', (of) =>
    set(of('UploadEventSourceMappingSQSUploadQueue'), { MaximumBatchingWindowInSeconds: 0 }),
  ),
  planted('alarms look back a day at most', 'SweepMissingAlarm covers more than a day', (of) =>
    set(of('SweepMissingAlarm'), { EvaluationPeriods: 289 }),
  ),
];
