// Alarms, the dashboard and the saved log queries.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../functions/runtime/metrics.js';
import { LOG_QUERIES } from '../../../infrastructure/log-queries.js';
import { FUNCTIONS, lambda, ofType, properties, service } from '../stack.ts';

/** What each function emits: the dashboard and the alarms may name nothing else. */
const EMITTED = Object.entries(METRICS).flatMap(([metric, { functions }]) =>
  functions.map((name) => `spillway-dev-${name} ${metric}`),
);

describe('what is watched', () => {
  interface Metric {
    Namespace: string;
    MetricName: string;
    Dimensions: { Name: string; Value: string }[];
  }
  interface Alarm extends Partial<Metric> {
    AlarmDescription: string;
    AlarmActions: string[];
    Statistic?: string;
    Metrics?: { Id: string; Expression?: string; MetricStat?: { Metric: Metric; Stat: string } }[];
    Threshold: number;
    TreatMissingData: string;
  }
  const alarms = (): [string, Alarm][] =>
    ofType('AWS::CloudWatch::Alarm').map(([id]) => [id, properties(id) as unknown as Alarm]);
  const metricsOf = ({ Metrics, ...single }: Alarm): Metric[] =>
    Metrics === undefined
      ? [single as Metric]
      : Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]));
  const watching = (name: string): string[] =>
    alarms()
      .flatMap(([, alarm]) => metricsOf(alarm))
      .filter(({ MetricName }) => MetricName === name)
      .map(({ Dimensions }) => String(Dimensions[0]?.Value));
  const shown = (): unknown[][] => {
    const { widgets } = JSON.parse(String(properties('Dashboard')['DashboardBody'])) as {
      widgets: { properties: { metrics?: unknown[][] } }[];
    };
    // A line that is an expression names no metric.
    return widgets.flatMap(({ properties: { metrics = [] } }) =>
      metrics.filter(([namespace]) => typeof namespace === 'string'),
    );
  };

  it('alarms on the first dead letter that needs attention', () => {
    expect(properties('DeadLettersFlaggedAlarm')).toMatchObject({
      Namespace: 'Spillway',
      MetricName: 'DeadLettersFlagged',
      Statistic: 'Sum',
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 0,
      TreatMissingData: 'notBreaching',
      Dimensions: [{ Name: 'service', Value: 'spillway-dev-dead-letters' }],
    });
  });

  it('alarms on old messages only where nothing ends', () => {
    for (const queue of ['Ingest', 'Upload', 'Settle']) {
      const { Metrics = [] } = properties(`${queue}StandstillAlarm`) as unknown as Alarm;
      const [result, age, ...progress] = Metrics;
      expect(result?.Expression).toBe('IF(age > 21600 AND SUM(METRICS()) == age, 1, 0)');
      expect(age?.MetricStat?.Metric.MetricName).toBe('ApproximateAgeOfOldestMessage');
      for (const { MetricStat } of progress)
        expect(MetricStat?.Metric.Dimensions[0]?.Value).toBe(`spillway-dev-${queue.toLowerCase()}`);
      expect(progress.length).toBeGreaterThan(0);
    }
  });

  it('alarms on the errors and throttles of every function, and on failed messages of every queue', () => {
    const names = FUNCTIONS.map((name) => lambda(name)['FunctionName']);
    expect(watching('Errors')).toEqual(names);
    expect(watching('Throttles')).toEqual(names);
    expect(new Set(watching('MessagesFailed'))).toEqual(
      new Set(['ingest', 'upload', 'settle', 'dead-letters'].map((name) => `spillway-dev-${name}`)),
    );
  });

  it('alarms where sweep does not run, also where Lambda reports nothing of it', () => {
    expect(properties('SweepMissingAlarm')).toMatchObject({ TreatMissingData: 'breaching' });
    expect(watching('Invocations')).toEqual(['spillway-dev-sweep']);
    for (const [id, { TreatMissingData }] of alarms())
      if (id !== 'SweepMissingAlarm') expect(TreatMissingData, id).toBe('notBreaching');
  });

  it('uses every metric of an expression, and no other name', () => {
    for (const [id, { Metrics = [] }] of alarms()) {
      const [{ Expression = '' } = {}, ...series] = Metrics;
      if (Metrics.length === 0) continue;
      const ids = series.map(({ Id }) => Id);
      const all = Expression.includes('METRICS()') ? ids : [];
      const used = Expression.replace(/\b(IF|FILL|AND|SUM|METRICS)\b/g, '').match(/[a-z]\w*/gi) ?? [];
      expect(new Set([...used, ...all]), id).toEqual(new Set(ids));
    }
  });

  it('has a runbook for each alarm, and none for others', () => {
    const runbooks = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => /^### \w+Alarm/.test(line))
      .flatMap((line) => line.replace('### ', '').split(', '));
    expect(runbooks.toSorted()).toEqual(
      alarms()
        .map(([id]) => id)
        .toSorted(),
    );
  });

  it('says in its runbooks how many metrics are billed', () => {
    const count = alarms().reduce((sum, [, alarm]) => sum + metricsOf(alarm).length, 0);
    const text = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    expect(/by metric, (\d+) here/.exec(text)?.[1]).toBe(String(count));
  });

  it('notifies the topic of the stack', () => {
    for (const [id, { AlarmActions }] of alarms()) expect(AlarmActions, id).toEqual(['<AlarmTopic>']);
    expect(properties('AlarmTopic')['Subscription']).toEqual([]);
  });

  it('shows the flow, the throttling, the queues, the functions and the dead letters', () => {
    const names = new Set(shown().map(([, name]) => name));
    for (const metric of Object.keys(METRICS)) expect(names).toContain(metric);
    for (const metric of [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesVisible',
      'Errors',
      'Duration',
      'ConcurrentExecutions',
    ]) {
      expect(names).toContain(metric);
    }
    expect(JSON.stringify(shown())).toContain('spillway-dev-dead-letters');
  });

  it('saves log queries that read the log groups of the stack, under its name', () => {
    const queries = ofType('AWS::Logs::QueryDefinition');
    expect(queries.map(([id]) => id)).toEqual(Object.keys(LOG_QUERIES));
    const groups = ofType('AWS::Logs::LogGroup').map(([id]) => `<${id}>`);
    for (const [id] of queries) {
      const { Name, LogGroupNames, QueryString } = properties(id);
      expect(Name, id).toMatch(/^spillway-dev\/[\w ]+$/);
      expect(String(QueryString).length, id).toBeLessThan(10_000);
      expect(LogGroupNames, id).not.toEqual([]);
      for (const group of LogGroupNames as string[]) expect(groups, id).toContain(group);
    }
  });

  it('traces nothing unless it is asked to', () => {
    expect(JSON.stringify(service.template)).not.toMatch(/xray|TracingConfig/i);
  });

  it('names no metric, function or queue that does not exist', () => {
    const queues = ofType('AWS::SQS::Queue').map(([id]) => properties(id)['QueueName']);
    const functions = FUNCTIONS.map((name) => lambda(name)['FunctionName']);
    const known: Record<string, [dimension: string, values: unknown[]]> = {
      'AWS/SQS': ['QueueName', queues],
      'AWS/Lambda': ['FunctionName', functions],
      'AWS/ApiGateway': ['ApiId', ['<HttpApi>']],
      'AWS/Logs': ['LogGroupName', functions.map((name) => `/aws/lambda/${name}`)],
      'AWS/DynamoDB': [
        'TableName',
        ['LedgerTable', 'OutcomesTable'].map((id) => properties(id)['TableName']),
      ],
    };
    for (const [namespace, name, dimension, value] of shown()) {
      if (namespace === 'Spillway') {
        expect(dimension).toBe('service');
        expect(EMITTED).toContain(`${value} ${name}`);
      } else {
        const [dimensionName, values] = known[String(namespace)] ?? [];
        expect(dimension).toBe(dimensionName);
        expect(values).toContain(value);
      }
    }
    for (const { Namespace, MetricName, Dimensions } of alarms().flatMap(([, alarm]) => metricsOf(alarm))) {
      const { Name, Value } = Dimensions[0] ?? {};
      if (Namespace === 'Spillway') expect(EMITTED).toContain(`${Value} ${MetricName}`);
      else expect(known[Namespace]?.[0]).toBe(Name);
      if (Namespace !== 'Spillway') expect(known[Namespace]?.[1]).toContain(Value);
    }
  });
});
