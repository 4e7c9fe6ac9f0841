// The CloudWatch dashboard: the flow of rows, the throttling, the queues, the functions, the ledger, the dead letters and the cost.
import { METRICS } from '../functions/runtime/metrics.js';
import { FUNCTIONS, QUEUES } from './alarms.js';
import { costGraph, costText } from './cost-panel.js';

const WIDTH = 24;
const HEIGHT = 6;

/** What the functions ask of the ledger. DynamoDB reports latencies and refusals by operation. */
const LEDGER_OPERATIONS = ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'];

/**
 * @typedef {object} Panel
 * @property {string} title
 * @property {string} means What it shows, in a sentence. Of a panel of our own metrics the table of metrics says it.
 * @property {{ metrics: unknown[][], period?: number, stacked?: boolean } | { markdown: string }} shows
 *
 * @typedef {object} DashboardSettings
 * @property {string} prefix `service-stage`, before the name of every function, queue and table
 * @property {Readonly<Record<string, number>>} memoryMb By the name of a function as it is deployed.
 */

/**
 * The panels by row.
 * @param {DashboardSettings} settings
 * @returns {Panel[][]}
 * @throws Error where a panel has no metric, or a metric no panel
 */
export function dashboardPanels({ prefix, memoryMb }) {
  const unshown = new Set(Object.values(METRICS).map(({ panel }) => panel));
  /** @type {(title: string) => Panel} */
  const own = (title) => {
    if (!unshown.delete(title)) throw new Error(`functions/runtime/metrics.js has no panel "${title}"`);
    return { title, means: '', shows: { metrics: linesOf(title, prefix) } };
  };
  /** @type {(title: string, means: string, metrics: unknown[][]) => Panel} */
  const graph = (title, means, metrics) => ({ title, means, shows: { metrics } });
  const lambda = (/** @type {string} */ name, /** @type {string} */ stat) =>
    FUNCTIONS.map((of) => ['AWS/Lambda', name, 'FunctionName', `${prefix}-${of}`, { stat, label: of }]);
  const sqs = (/** @type {string} */ name, /** @type {readonly string[]} */ queues) =>
    queues.map((of) => ['AWS/SQS', name, 'QueueName', `${prefix}-${of}`, { stat: 'Maximum', label: of }]);
  const tables = (/** @type {string} */ name, /** @type {string} */ label) =>
    ['ledger', 'outcomes'].map((of) => [
      ...['AWS/DynamoDB', name, 'TableName', `${prefix}-${of}`],
      { stat: 'Sum', label: `${label}: ${of}` },
    ]);
  const operations = (/** @type {string} */ name, /** @type {string} */ stat) =>
    LEDGER_OPERATIONS.map((of) => [
      ...['AWS/DynamoDB', name, 'TableName', `${prefix}-ledger`, 'Operation', of],
      { stat, label: of },
    ]);
  const costs = { prefix, memoryMb, queues: QUEUES };

  const rows = [
    [own('Rows'), own('Jobs'), own('Age of the oldest live job, seconds')],
    [own('Requests to S3 and their throttling'), own('SlowDown answers by cause')],
    [own('Pace of a worker, requests a second'), own('Latency of writes, ms')],
    [own('Given back to the queue'), own('Bytes stored'), own('Slices')],
    [
      graph(
        'Messages waiting',
        'messages that may be received: a backlog that shrinks is healthy',
        sqs('ApproximateNumberOfMessagesVisible', QUEUES),
      ),
      graph(
        'Messages in flight (SQS stops at about 120,000)',
        'messages in the hands of functions, and those returned with a delay',
        sqs('ApproximateNumberOfMessagesNotVisible', QUEUES),
      ),
      graph(
        'Messages delayed',
        'messages that were reposted for later: many while S3 throttles',
        sqs('ApproximateNumberOfMessagesDelayed', QUEUES),
      ),
      graph(
        'Oldest message, seconds',
        'how long the oldest message has been in its queue; a repost is a new message',
        sqs('ApproximateAgeOfOldestMessage', QUEUES),
      ),
    ],
    [
      graph('Function errors', 'invocations that failed as a whole', lambda('Errors', 'Sum')),
      graph(
        'Function duration, ms (p95)',
        'near the timeout of its function it is too long: docs/ledger.md',
        lambda('Duration', 'p95'),
      ),
      graph(
        'Functions at work',
        "invocations at the same time; all of them share the account's concurrency",
        lambda('ConcurrentExecutions', 'Maximum'),
      ),
    ],
    [
      graph('Tables, units a minute', 'what DynamoDB bills; indexes are not in it', [
        ...tables('ConsumedWriteCapacityUnits', 'write units'),
        ...tables('ConsumedReadCapacityUnits', 'read units'),
      ]),
      graph('Throttling of the tables', 'requests that DynamoDB refused; the functions send them again', [
        ...operations('ThrottledRequests', 'Sum'),
        ...tables('WriteThrottleEvents', 'throttled writes'),
        ...tables('ReadThrottleEvents', 'throttled reads'),
      ]),
      graph(
        'Ledger latency, ms (p99)',
        "of the requests that DynamoDB answered, without the network's part",
        operations('SuccessfulRequestLatency', 'p99'),
      ),
    ],
    [
      graph(
        'Dead letters waiting',
        'they are handled within minutes, so a line above 0 needs a look',
        sqs('ApproximateNumberOfMessagesVisible', ['dead-letters']),
      ),
      own('Dead letters to look at'),
      own('Messages that failed'),
    ],
    [
      {
        title: 'Estimated cost, US$ an hour',
        means: 'requests, time and bytes at their prices; the panel beside it has the formulas',
        shows: costGraph(costs),
      },
      {
        title: 'How the cost is estimated',
        means: 'the formulas and prices of the estimate',
        shows: { markdown: `## How the cost is estimated\n${costText(costs)}` },
      },
    ],
  ];
  if (unshown.size > 0) {
    throw new Error(`infrastructure/dashboard.js gives no place to the panel ${[...unshown].join(', ')}`);
  }
  return rows;
}

/**
 * The body as CloudFormation takes it: JSON, with the region still to be filled in.
 * @param {DashboardSettings} settings
 */
export function dashboardBody(settings) {
  return {
    'Fn::Sub': JSON.stringify({ start: '-PT3H', widgets: dashboardPanels(settings).flatMap(placed) }),
  };
}

/**
 * The dashboard as a resource, for the list `resources` of serverless.yml.
 * @param {{ resolveVariable: (name: string) => Promise<unknown> }} context
 */
export async function dashboard({ resolveVariable }) {
  const prefix = String(await resolveVariable('self:custom.prefix'));
  const memoryMb = /** @type {Record<string, number>} */ ({});
  for (const name of FUNCTIONS) {
    memoryMb[name] = Number(await resolveVariable(`self:functions.${idOf(name)}.memorySize`));
  }
  return {
    Resources: {
      Dashboard: {
        Type: 'AWS::CloudWatch::Dashboard',
        Properties: { DashboardName: prefix, DashboardBody: dashboardBody({ prefix, memoryMb }) },
      },
    },
  };
}

/**
 * `dead-letters` is `deadLetters` in serverless.yml.
 * @param {string} name
 */
function idOf(name) {
  return name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
}

/**
 * The lines of a panel of our own metrics.
 * @param {string} panel
 * @param {string} prefix
 */
function linesOf(panel, prefix) {
  return Object.entries(METRICS)
    .filter(([, metric]) => metric.panel === panel)
    .flatMap(([name, { title, functions, stats }]) =>
      functions.flatMap((of) =>
        stats.map((stat) => {
          const label = [title, ...(functions.length > 1 ? [of] : []), ...(stats.length > 1 ? [stat] : [])];
          return ['Spillway', name, 'service', `${prefix}-${of}`, { stat, label: label.join(': ') }];
        }),
      ),
    );
}

/**
 * One row of the dashboard, its panels side by side.
 * @param {Panel[]} panels
 * @param {number} row
 */
function placed(panels, row) {
  const width = WIDTH / panels.length;
  return panels.map(({ title, shows }, column) => ({
    ...{ type: 'markdown' in shows ? 'text' : 'metric', x: column * width, y: row * HEIGHT },
    ...{ width, height: HEIGHT },
    properties:
      'markdown' in shows
        ? shows
        : {
            title,
            view: 'timeSeries',
            region: '${AWS::Region}',
            period: 60,
            yAxis: { left: { min: 0 } },
            ...shows,
          },
  }));
}
