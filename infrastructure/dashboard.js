// The CloudWatch dashboard: the flow of rows, the throttling, the queues, the functions and the dead letters.
import { METRICS } from '../functions/runtime/metrics.js';

const FUNCTIONS = ['ingest', 'upload', 'settle', 'sweep', 'dead-letters', 'api'];
const QUEUES = ['ingest', 'upload', 'settle'];
const WIDTH = 24;

/**
 * The body as CloudFormation takes it: JSON, with the region still to be filled in.
 * @param {string} prefix `service-stage`, before the name of every function and queue
 * @throws Error where a panel has no metric, or a metric no panel
 */
export function dashboardBody(prefix) {
  const unshown = new Set(Object.values(METRICS).map(({ panel }) => panel));
  const own = (/** @type {string} */ panel) => {
    if (!unshown.delete(panel)) throw new Error(`functions/runtime/metrics.js has no panel "${panel}"`);
    return graph(panel, linesOf(panel, prefix));
  };
  const lambda = (/** @type {string} */ name, /** @type {string} */ stat) =>
    FUNCTIONS.map((of) => ['AWS/Lambda', name, 'FunctionName', `${prefix}-${of}`, { stat, label: of }]);
  const sqs = (/** @type {string} */ name, /** @type {string[]} */ queues) =>
    queues.map((of) => ['AWS/SQS', name, 'QueueName', `${prefix}-${of}`, { stat: 'Maximum', label: of }]);

  const rows = [
    [own('Rows'), own('Jobs')],
    [own('Requests to S3 and their throttling'), own('Given back to the queue'), own('Bytes stored')],
    [
      graph('Messages waiting', sqs('ApproximateNumberOfMessagesVisible', QUEUES)),
      graph(
        'Messages in flight (SQS stops at about 120,000)',
        sqs('ApproximateNumberOfMessagesNotVisible', QUEUES),
      ),
      graph('Messages delayed', sqs('ApproximateNumberOfMessagesDelayed', QUEUES)),
      graph('Oldest message, seconds', sqs('ApproximateAgeOfOldestMessage', QUEUES)),
    ],
    [
      graph('Function errors', lambda('Errors', 'Sum')),
      graph('Function duration, ms (p95)', lambda('Duration', 'p95')),
      graph('Functions at work', lambda('ConcurrentExecutions', 'Maximum')),
    ],
    [
      own('Slices'),
      graph('Dead letters waiting', sqs('ApproximateNumberOfMessagesVisible', ['dead-letters'])),
      own('Dead letters to look at'),
      own('Messages that failed'),
    ],
  ];
  if (unshown.size > 0) {
    throw new Error(`infrastructure/dashboard.js gives no place to the panel ${[...unshown].join(', ')}`);
  }
  return { 'Fn::Sub': JSON.stringify({ start: '-PT3H', widgets: rows.flatMap(placed) }) };
}

/**
 * The lines of a panel of our own metrics.
 * @param {string} panel
 * @param {string} prefix
 */
function linesOf(panel, prefix) {
  return Object.entries(METRICS)
    .filter(([, metric]) => metric.panel === panel)
    .flatMap(([name, { title, functions, stat }]) =>
      functions.map((of) => {
        const label = functions.length === 1 ? title : `${title}: ${of}`;
        return ['Spillway', name, 'service', `${prefix}-${of}`, { stat, label }];
      }),
    );
}

/**
 * @param {string} title
 * @param {unknown[][]} metrics
 */
function graph(title, metrics) {
  return {
    title,
    view: 'timeSeries',
    region: '${AWS::Region}',
    period: 60,
    yAxis: { left: { min: 0 } },
    metrics,
  };
}

/**
 * One row of the dashboard, its graphs side by side.
 * @param {ReturnType<typeof graph>[]} graphs
 * @param {number} row
 */
function placed(graphs, row) {
  const [width, height] = [WIDTH / graphs.length, 6];
  return graphs.map((properties, column) => ({
    type: 'metric',
    x: column * width,
    y: row * height,
    width,
    height,
    properties,
  }));
}
