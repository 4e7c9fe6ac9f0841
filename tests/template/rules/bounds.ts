// Bounds that AWS sets and its specification does not hold: ranges, lengths, shapes and counts, each with its source. Names are
// checked as they are at the longest stage.
import { renderTemplate } from '../../helpers/rendered-template.ts';
import { isRecord, type Rule, resourcesOf } from './rule.ts';

type Bound =
  | { kind: 'range'; least: number; most: number }
  | { kind: 'length'; least: number; most: number; shape?: RegExp }
  | { kind: 'count'; least: number; most: number }
  | { kind: 'one-of'; values: readonly (string | number)[] };

interface BoundRow {
  type: string;
  /** Below Properties; `[]` stands for each of a list. */
  path: string;
  bound: Bound;
  source: string;
  /** May be absent from the whole template. */
  optional?: true;
}

const range = (least: number, most: number): Bound => ({ kind: 'range', least, most });
const length = (least: number, most: number, shape?: RegExp): Bound => ({
  ...{ kind: 'length', least, most },
  ...(shape === undefined ? {} : { shape }),
});
const count = (least: number, most: number): Bound => ({ kind: 'count', least, most });
const oneOf = (...values: (string | number)[]): Bound => ({ kind: 'one-of', values });

type PathBound = [path: string, bound: Bound, optional?: 'optional'];

const rows = (type: string, source: string, ...bounds: PathBound[]): BoundRow[] =>
  bounds.map(([path, bound, optional]) => ({
    ...{ type, path, bound, source },
    ...(optional === undefined ? {} : { optional: true as const }),
  }));

const WORD = /^[A-Za-z0-9_-]+$/;

const BOUNDS: BoundRow[] = [
  ...rows(
    'AWS::SQS::Queue',
    'SQS API, SetQueueAttributes; RedriveAllowPolicy: SQS guide, "Configure a dead-letter queue redrive"',
    ['QueueName', length(1, 80, WORD)],
    ['VisibilityTimeout', range(0, 43_200)],
    ['MessageRetentionPeriod', range(60, 1_209_600)],
    ['ReceiveMessageWaitTimeSeconds', range(0, 20)],
    ['RedrivePolicy.maxReceiveCount', range(1, 1000)],
    ['RedriveAllowPolicy.redrivePermission', oneOf('allowAll', 'denyAll', 'byQueue')],
    ['RedriveAllowPolicy.sourceQueueArns', count(1, 10)],
  ),
  ...rows(
    'AWS::Lambda::Function',
    'Lambda API, CreateFunction',
    ['FunctionName', length(1, 64, WORD)],
    ['Description', length(0, 256)],
    ['Handler', length(1, 128)],
    // The specification has no list of runtimes. Lambda creates no more functions on nodejs20.x.
    ['Runtime', oneOf('nodejs22.x', 'nodejs24.x')],
    ['Timeout', range(1, 900)],
    ['MemorySize', range(128, 10_240)],
    ['Architectures', count(1, 1)],
  ),
  ...rows(
    'AWS::Lambda::EventSourceMapping',
    'Lambda API, CreateEventSourceMapping and ScalingConfig',
    ['BatchSize', range(1, 10_000)],
    ['MaximumBatchingWindowInSeconds', range(0, 300)],
    ['ScalingConfig.MaximumConcurrency', range(2, 1000)],
  ),
  ...rows(
    'AWS::Lambda::EventInvokeConfig',
    'Lambda API, PutFunctionEventInvokeConfig',
    ['MaximumRetryAttempts', range(0, 2)],
    ['MaximumEventAgeInSeconds', range(60, 21_600)],
  ),
  ...rows(
    'AWS::Events::Rule',
    'EventBridge API, PutRule, PutTargets and RetryPolicy',
    [
      'ScheduleExpression',
      length(1, 256, /^rate\((1 (minute|hour|day)|\d+ (minutes|hours|days))\)$|^cron\(/),
    ],
    ['Targets', count(1, 5)],
    ['Targets[].Id', length(1, 64, /^[.\w-]+$/)],
    ['Targets[].RetryPolicy.MaximumRetryAttempts', range(0, 185)],
    ['Targets[].RetryPolicy.MaximumEventAgeInSeconds', range(60, 86_400)],
  ),
  ...rows(
    'AWS::Logs::LogGroup',
    'CloudWatch Logs API, CreateLogGroup and PutRetentionPolicy',
    ['LogGroupName', length(1, 512, /^[.\-_/#A-Za-z0-9]+$/)],
    [
      'RetentionInDays',
      oneOf(
        1,
        3,
        5,
        7,
        14,
        30,
        60,
        90,
        120,
        150,
        180,
        365,
        400,
        545,
        731,
        1096,
        1827,
        2192,
        2557,
        2922,
        3288,
        3653,
      ),
    ],
  ),
  ...rows(
    'AWS::S3::Bucket',
    'S3 user guide, "General purpose bucket naming rules" and "Lifecycle configuration elements"',
    ['BucketName', length(3, 63, /^[a-z0-9][a-z0-9.-]+[a-z0-9]$/)],
    ['LifecycleConfiguration.Rules', count(1, 1000)],
    ['LifecycleConfiguration.Rules[].Id', length(1, 255)],
    ['LifecycleConfiguration.Rules[].ExpirationInDays', range(1, 2_147_483_647)],
    ['LifecycleConfiguration.Rules[].NoncurrentVersionExpiration.NoncurrentDays', range(1, 2_147_483_647)],
    [
      'LifecycleConfiguration.Rules[].AbortIncompleteMultipartUpload.DaysAfterInitiation',
      range(1, 2_147_483_647),
    ],
    ['NotificationConfiguration.QueueConfigurations', count(1, 100)],
  ),
  ...rows(
    'AWS::DynamoDB::Table',
    'DynamoDB API, CreateTable; DynamoDB guide, "Quotas" and "Warm throughput"',
    ['TableName', length(3, 255, /^[A-Za-z0-9_.-]+$/)],
    ['KeySchema', count(1, 2)],
    ['GlobalSecondaryIndexes', count(1, 20)],
    ['GlobalSecondaryIndexes[].IndexName', length(3, 255, /^[A-Za-z0-9_.-]+$/)],
    ['TimeToLiveSpecification.AttributeName', length(1, 255)],
    ['WarmThroughput.ReadUnitsPerSecond', range(12_000, 400_000), 'optional'],
    ['WarmThroughput.WriteUnitsPerSecond', range(4_000, 400_000), 'optional'],
  ),
  ...rows(
    'AWS::CloudWatch::Alarm',
    'CloudWatch API, PutMetricAlarm and MetricDataQuery',
    ['AlarmDescription', length(0, 1024)],
    ['AlarmActions', count(1, 5)],
    ['EvaluationPeriods', range(1, 1440)],
    ['Period', oneOf(10, 20, 30, 60, 120, 180, 300, 600, 900, 3600)],
    ['Dimensions', count(1, 30)],
    ['Metrics', count(1, 20)],
    ['Metrics[].Id', length(1, 255, /^[a-z]\w*$/)],
    ['Metrics[].Expression', length(1, 2048)],
    ['Metrics[].MetricStat.Metric.MetricName', length(1, 255)],
    ['Metrics[].MetricStat.Period', oneOf(60, 120, 180, 300, 600, 900, 3600)],
    [
      'ComparisonOperator',
      oneOf(
        'GreaterThanThreshold',
        'GreaterThanOrEqualToThreshold',
        'LessThanThreshold',
        'LessThanOrEqualToThreshold',
      ),
    ],
    ['TreatMissingData', oneOf('breaching', 'notBreaching', 'ignore', 'missing')],
  ),
  ...rows('AWS::CloudWatch::Dashboard', 'CloudWatch API, PutDashboard', [
    'DashboardName',
    length(1, 255, WORD),
  ]),
  ...rows('AWS::SNS::Topic', 'SNS API, CreateTopic', ['TopicName', length(1, 256, WORD)]),
  ...rows(
    'AWS::IAM::Role',
    'IAM API, CreateRole and PutRolePolicy',
    ['RoleName', length(1, 64, /^[\w+=,.@-]+$/), 'optional'],
    ['Policies[].PolicyName', length(1, 128, /^[\w+=,.@-]+$/)],
  ),
  ...rows(
    'AWS::ApiGatewayV2::Integration',
    'API Gateway V2 API, Integration; quotas of HTTP APIs',
    ['TimeoutInMillis', range(50, 30_000), 'optional'],
    ['PayloadFormatVersion', oneOf('1.0', '2.0')],
  ),
];

export const BOUND_RULES: Rule[] = [
  {
    name: 'values are within the bounds of their services',
    reason: 'The service refuses a value out of its bounds, in the middle of a deployment.',
    check(template) {
      const rendered = renderTemplate(template);
      const faults: string[] = [];
      let checked = 0;
      for (const { type, path, bound, source, optional } of BOUNDS) {
        const values = resourcesOf(rendered, type).flatMap(([id, { Properties }]) =>
          valuesAt(Properties, path.split('.'), id),
        );
        checked += values.length;
        if (values.length === 0 && optional !== true)
          faults.push(`no ${type} has ${path}: its bound applies to nothing`);
        for (const [where, value] of values) {
          const expected = brokenBound(value, bound);
          if (expected !== undefined)
            faults.push(`${where} is ${shownValue(value)}, not ${expected} (${source})`);
        }
      }
      return { checked, faults };
    },
  },
  {
    name: 'large batches have a batching window',
    reason:
      'Lambda refuses a batch of more than 10 messages without a window of a second (CreateEventSourceMapping).',
    check(template) {
      const mappings = resourcesOf(template, 'AWS::Lambda::EventSourceMapping');
      const faults = mappings
        .filter(
          ([
            ,
            {
              Properties: { BatchSize = 10, MaximumBatchingWindowInSeconds = 0 },
            },
          ]) => Number(BatchSize) > 10 && Number(MaximumBatchingWindowInSeconds) < 1,
        )
        .map(([id]) => `${id} takes more than 10 messages without a batching window`);
      return { checked: mappings.length, faults };
    },
  },
  {
    name: 'alarms look back a day at most',
    reason: 'CloudWatch refuses an alarm whose periods cover more than a day (PutMetricAlarm).',
    check(template) {
      const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm');
      const faults = alarms
        .filter(([, { Properties }]) => {
          const periods = JSON.stringify(Properties).matchAll(/"Period":(\d+)/g);
          const longest = Math.max(...[...periods].map(([, seconds]) => Number(seconds)));
          return !(longest * Number(Properties.EvaluationPeriods) <= 86_400);
        })
        .map(([id]) => `${id} covers more than a day`);
      return { checked: alarms.length, faults };
    },
  },
];

function valuesAt(
  value: unknown,
  [step, ...rest]: string[],
  where: string,
): [where: string, value: unknown][] {
  if (value === undefined) return [];
  if (step === undefined) return [[where, value]];
  const [name = '', isEach] = step.endsWith('[]') ? [step.slice(0, -2), true] : [step, false];
  const inner = isRecord(value) ? value[name] : undefined;
  if (!isEach) return valuesAt(inner, rest, `${where}.${name}`);
  const list = Array.isArray(inner) ? inner : [];
  return list.flatMap((each, index) => valuesAt(each, rest, `${where}.${name}[${index}]`));
}

/** @returns what is expected, or undefined for a value within its bound */
function brokenBound(value: unknown, bound: Bound): string | undefined {
  switch (bound.kind) {
    case 'range': {
      const number = Number(value);
      const isWithin = Number.isInteger(number) && number >= bound.least && number <= bound.most;
      return isWithin ? undefined : `a whole number from ${bound.least} to ${bound.most}`;
    }
    case 'length': {
      const text = String(value);
      if (text.length < bound.least || text.length > bound.most)
        return `${bound.least} to ${bound.most} characters, but ${text.length}`;
      return bound.shape?.test(text) === false ? `of the form ${bound.shape.source}` : undefined;
    }
    case 'count': {
      const size = Array.isArray(value) ? value.length : Number.NaN;
      return size >= bound.least && size <= bound.most
        ? undefined
        : `a list of ${bound.least} to ${bound.most}`;
    }
    case 'one-of':
      return bound.values.includes(value as string) ? undefined : `one of ${bound.values.join(', ')}`;
  }
}

function shownValue(value: unknown): string {
  return Array.isArray(value) ? `a list of ${value.length}` : JSON.stringify(value).slice(0, 120);
}
