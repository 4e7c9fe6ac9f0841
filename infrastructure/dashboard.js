// The CloudWatch dashboard: the flow of rows, the throttling, the queues, the functions and the dead letters.
const FUNCTIONS = ['ingest', 'upload', 'settle', 'sweep', 'dead-letters', 'api'];
const QUEUES = ['ingest', 'upload', 'settle'];
const WIDTH = 24;

/**
 * The body as CloudFormation takes it: JSON, with the region still to be filled in.
 * @param {string} prefix `service-stage`, before the name of every function and queue
 */
export function dashboardBody(prefix) {
  const own = (/** @type {string} */ service, /** @type {string[]} */ names, stat = 'Sum') =>
    names.map((name) => ['Spillway', name, 'service', `${prefix}-${service}`, { stat }]);
  const lambda = (/** @type {string} */ name, /** @type {string} */ stat) =>
    FUNCTIONS.map((of) => ['AWS/Lambda', name, 'FunctionName', `${prefix}-${of}`, { stat, label: of }]);
  const sqs = (/** @type {string} */ name, /** @type {string[]} */ queues) =>
    queues.map((of) => ['AWS/SQS', name, 'QueueName', `${prefix}-${of}`, { stat: 'Maximum', label: of }]);
  const deadLetters = QUEUES.map((queue) => `${queue}-dead-letters`);

  const rows = [
    [
      graph('Rows', [
        ...own('ingest', ['RowsAccepted', 'RowsRejected']),
        ...own('upload', ['ObjectsStored', 'ObjectsSkipped', 'ObjectsFailed']),
      ]),
      graph('Jobs', [
        ...own('sweep', ['LiveJobs', 'RowsOutstanding'], 'Maximum'),
        ...own('settle', ['JobsCompleted', 'JobsFailed']),
        ...own('ingest', ['JobsFailed']),
        ...own('upload', ['LateOutcomes']),
      ]),
    ],
    [
      graph(
        'Requests to S3 and their throttling',
        own('upload', ['Attempts', 'Throttled', 'TransientFaults']),
      ),
      graph(
        'Given back to the queue',
        own('upload', ['RefusedReturned', 'RefusedReposted', 'UntriedReturned', 'UntriedReposted']),
      ),
      graph('Bytes stored', own('upload', ['BytesStored'])),
    ],
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
      graph('Slices', [
        ...own('ingest', ['SlicesIngested']),
        ...own('sweep', ['SlicesReplayed']),
        ...own('settle', ['SlicesSettled']),
      ]),
      graph('Dead letters waiting', sqs('ApproximateNumberOfMessagesVisible', deadLetters)),
      graph('Dead letters flagged', own('dead-letters', ['DeadLettersFlagged'])),
      graph(
        'Messages that failed',
        ['ingest', 'upload', 'settle', 'dead-letters'].flatMap((name) => own(name, ['MessagesFailed'])),
      ),
    ],
  ];
  return { 'Fn::Sub': JSON.stringify({ start: '-PT3H', widgets: rows.flatMap(placed) }) };
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
