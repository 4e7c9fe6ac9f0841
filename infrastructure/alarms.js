// The alarms: what stops the pipeline, or makes it lose time, as a table. docs/operations.md has a runbook for each.
//
// A series has no point for what did not happen, and in a new stack some were never published. AWS does not document whether FILL
// gives points to such a series, nor whether an operator has a result beside it. So an expression that must raise its alarm beside
// an empty series adds with SUM, which leaves that series out (CloudWatch user guide, "Using math expressions with CloudWatch
// metrics"). Without a result a period is missing data. FILL beside late data makes it a wrong point, so only sweep's alarm has it.
import { METRICS } from '../functions/runtime/metrics.js';

/**
 * @typedef {object} Series One line of a metric, summed up by the period of its alarm.
 * @property {string} namespace
 * @property {string} name
 * @property {string} dimension
 * @property {string | { Ref: string }} value
 * @property {'Sum' | 'Maximum' | 'Minimum'} stat
 *
 * @typedef {object} Alarm
 * @property {string} description What is wrong, in one sentence.
 * @property {Record<string, Series>} of The metrics, by the names that the expression uses.
 * @property {string} [expression] Metric math over them; without it there is one metric.
 * @property {number} above The alarm is raised above this value.
 * @property {number} [periodSeconds] 300 by default.
 * @property {number} [periods] Periods in a row that must be above; 1 by default.
 * @property {'notBreaching' | 'breaching'} [missing] What a period without data means; notBreaching by default.
 */

export const FUNCTIONS = ['ingest', 'upload', 'settle', 'sweep', 'dead-letters', 'api'];
export const QUEUES = ['ingest', 'upload', 'settle'];

/** SQS stops delivering at about 120,000 messages in flight (SQS developer guide, "Message quotas"). */
const MANY_IN_FLIGHT = 100_000;
/** An hour: the handler of dead letters takes each within minutes. */
const DEAD_LETTER_PERIODS = 12;
/** Above it, S3 refuses so much that spread, limits or other writers of the bucket need a look. A healthy fleet stays below 5%. */
const THROTTLED_PERCENT = 25;
const FAILED_PERCENT = 10;

/**
 * @param {string} prefix `service-stage`, before the name of every function and queue
 * @param {{ oldestMessageSeconds: number }} settings
 * @returns {Record<string, Alarm>} by the alarm's id in the template
 */
export function alarmTable(prefix, { oldestMessageSeconds }) {
  /** @type {(functionName: string, metric: keyof typeof METRICS) => Series} */
  const own = (functionName, metric) => ({
    ...{ namespace: 'Spillway', name: metric, dimension: 'service' },
    value: `${prefix}-${functionName}`,
    stat: METRICS[metric].stat,
  });
  /** @type {(functionName: string, name: string) => Series} */
  const lambda = (functionName, name) => ({
    ...{ namespace: 'AWS/Lambda', name, dimension: 'FunctionName', value: `${prefix}-${functionName}` },
    stat: 'Sum',
  });
  /** @type {(queue: string, name: string) => Series} */
  const sqs = (queue, name) => ({
    ...{ namespace: 'AWS/SQS', name, dimension: 'QueueName', value: `${prefix}-${queue}` },
    stat: 'Maximum',
  });
  /** @type {<Name extends string>(names: readonly Name[], make: (name: Name) => [string, Alarm]) => Record<string, Alarm>} */
  const forEach = (names, make) => Object.fromEntries(names.map(make));

  /**
   * A message may be old because a large backlog is worked off, which is healthy. So the alarm also asks for progress.
   * @type {(queue: string, description: string, progress: Series[]) => Alarm}
   */
  const standstill = (queue, description, progress) => {
    const named = Object.fromEntries(progress.map((series, index) => [`p${index}`, series]));
    return {
      description,
      of: { age: sqs(queue, 'ApproximateAgeOfOldestMessage'), ...named },
      // If the sum of all metrics equals the age, nothing has progressed.
      expression: `IF(age > ${oldestMessageSeconds} AND SUM(METRICS()) == age, 1, 0)`,
      above: 0,
      periods: 3,
    };
  };

  /**
   * Above 0 in any function in which jobs end.
   * @type {(metric: 'JobsFailed' | 'RowsUnaccounted') => Pick<Alarm, 'of' | 'expression' | 'above'>}
   */
  const endsOf = (metric) => ({
    of: Object.fromEntries(METRICS[metric].functions.map((name, index) => [`e${index}`, own(name, metric)])),
    expression: 'SUM(METRICS())',
    above: 0,
  });

  return {
    DeadLettersFlaggedAlarm: {
      description:
        'Messages that no function could handle have ended rows or jobs as failed, or are tried again; GET /deadletters shows which',
      of: { flagged: own('dead-letters', 'DeadLettersFlagged') },
      above: 0,
      periodSeconds: 60,
    },
    UnhandledDeadLettersAlarm: {
      description:
        'Dead letters could not be handled and are tried again; GET /deadletters lists them as unhandled',
      of: { failed: own('dead-letters', 'MessagesFailed') },
      above: 0,
      periodSeconds: 60,
    },
    // Not by age: SQS leaves out of it what was received three times and not deleted (SQS developer guide, "Available CloudWatch
    // metrics for Amazon SQS"). Every dead letter was, in the queue that it comes from, and AWS does not say whether that counts.
    DeadLettersWaitAlarm: {
      description:
        'Dead letters have waited for an hour, and none of them was handled: their handler does not run',
      of: {
        waiting: { ...sqs('dead-letters', 'ApproximateNumberOfMessagesVisible'), stat: 'Minimum' },
        handled: { ...sqs('dead-letters', 'NumberOfMessagesDeleted'), stat: 'Sum' },
      },
      expression: 'IF(waiting > 0 AND SUM(METRICS()) == waiting, 1, 0)',
      above: 0,
      periods: DEAD_LETTER_PERIODS,
    },
    // Lambda counts no error for the failures of single messages: they are in the answer.
    ...forEach(QUEUES, (queue) => [
      `${capital(queue)}MessagesFailedAlarm`,
      {
        description: `Messages of the ${queue} queue fail again and again; after five receives they become dead letters`,
        of: { failed: own(queue, 'MessagesFailed') },
        above: 0,
        periods: 3,
      },
    ]),
    IngestStandstillAlarm: standstill('ingest', 'Manifests wait, and no rows are read', [
      own('ingest', 'RowsAccepted'),
      own('ingest', 'RowsRejected'),
      own('ingest', 'SlicesIngested'),
    ]),
    UploadStandstillAlarm: standstill('upload', 'Items wait, and none ends', [
      own('upload', 'ObjectsStored'),
      own('upload', 'ObjectsSkipped'),
      own('upload', 'ObjectsFailed'),
    ]),
    SettleStandstillAlarm: standstill('settle', 'Finished slices wait for their report, and none settles', [
      own('settle', 'SlicesSettled'),
    ]),
    UploadInFlightAlarm: {
      description: 'The upload queue is near the in-flight quota of SQS, at which it delivers nothing more',
      of: { inFlight: sqs('upload', 'ApproximateNumberOfMessagesNotVisible') },
      above: MANY_IN_FLIGHT,
    },
    SweepMissingAlarm: {
      description:
        'Sweep has not run for ten minutes: lost messages are not sent again, and jobs do not end in time',
      of: { runs: lambda('sweep', 'Invocations') },
      // Without FILL, CloudWatch would look back for points before the last two periods, and raise this later.
      expression: 'IF(FILL(runs, 0) > 0, 0, 1)',
      above: 0,
      periods: 2,
      missing: 'breaching',
    },
    FunctionThrottlesAlarm: {
      description: "Lambda refuses invocations: the account's concurrency is used up",
      of: Object.fromEntries(FUNCTIONS.map((name, index) => [`t${index}`, lambda(name, 'Throttles')])),
      expression: 'SUM(METRICS())',
      above: 0,
      periods: 3,
    },
    UnaccountedRowsAlarm: {
      description: 'A job has ended with rows that no outcome accounts for; its report names them',
      ...endsOf('RowsUnaccounted'),
      periodSeconds: 60,
    },
    JobsFailedAlarm: {
      description: 'A job has failed: its manifest could not be read, or too many of its rows failed',
      ...endsOf('JobsFailed'),
    },
    // An answer of 500 is no error of the function, as is an answer with failed messages.
    ApiFaultsAlarm: {
      description: 'The API answers requests with an error of its own (5xx)',
      of: {
        faults: {
          ...{ namespace: 'AWS/ApiGateway', name: '5xx', dimension: 'ApiId', value: { Ref: 'HttpApi' } },
          stat: 'Sum',
        },
      },
      above: 0,
    },
    ThrottledShareAlarm: {
      description: `S3 refuses more than ${THROTTLED_PERCENT}% of the requests with SlowDown`,
      of: { throttled: own('upload', 'Throttled'), attempts: own('upload', 'Attempts') },
      // Upload publishes no metric of what does not occur: without throttling there is no result, or 0.
      expression: '100 * throttled / attempts',
      above: THROTTLED_PERCENT,
      periods: 3,
    },
    FailedShareAlarm: {
      description: `More than ${FAILED_PERCENT}% of the objects fail`,
      of: {
        stored: own('upload', 'ObjectsStored'),
        skipped: own('upload', 'ObjectsSkipped'),
        failed: own('upload', 'ObjectsFailed'),
      },
      expression: '100 * failed / SUM(METRICS())',
      above: FAILED_PERCENT,
      periods: 3,
    },
    ...forEach(FUNCTIONS, (name) => [
      `${name.split('-').map(capital).join('')}ErrorsAlarm`,
      { description: `The function ${name} fails`, of: { errors: lambda(name, 'Errors') }, above: 0 },
    ]),
  };
}

/** @param {string} name */
function capital(name) {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/**
 * The alarms as resources, for the list `resources` of serverless.yml.
 * @param {{ resolveVariable: (name: string) => Promise<unknown> }} context
 */
export async function alarms({ resolveVariable }) {
  const prefix = String(await resolveVariable('self:custom.prefix'));
  const settings = /** @type {{ oldestMessageSeconds: number, alarmActions: unknown[] }} */ (
    await resolveVariable('self:custom.settings')
  );
  return {
    Resources: Object.fromEntries(
      Object.entries(alarmTable(prefix, settings)).map(([id, alarm]) => [
        id,
        { Type: 'AWS::CloudWatch::Alarm', Properties: alarmProperties(alarm, settings.alarmActions) },
      ]),
    ),
  };
}

/**
 * @param {Alarm} alarm
 * @param {unknown[]} actions
 */
function alarmProperties(alarm, actions) {
  const {
    description,
    of,
    expression,
    above,
    periodSeconds = 300,
    periods = 1,
    missing = 'notBreaching',
  } = alarm;
  const series = Object.entries(of);
  const single = series[0]?.[1];
  if (single === undefined) throw new Error(`an alarm has no metric: ${description}`);
  const watched =
    expression === undefined
      ? { ...metricOf(single), Statistic: single.stat, Period: periodSeconds }
      : {
          Metrics: [
            { Id: 'result', Expression: expression, ReturnData: true },
            ...series.map(([id, each]) => ({
              Id: id,
              MetricStat: { Metric: metricOf(each), Stat: each.stat, Period: periodSeconds },
              ReturnData: false,
            })),
          ],
        };
  return {
    AlarmDescription: description,
    AlarmActions: actions,
    ...watched,
    EvaluationPeriods: periods,
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: above,
    TreatMissingData: missing,
  };
}

/** @param {Series} series */
function metricOf({ namespace, name, dimension, value }) {
  return { Namespace: namespace, MetricName: name, Dimensions: [{ Name: dimension, Value: value }] };
}
