// The dashboard's estimate of what the stack costs: metric math over what CloudWatch counts, at the prices of one region.
import { PRICES } from '../shared/aws/prices.js';

const TABLES = /** @type {const} */ (['ledger', 'outcomes']);

const PERIOD_SECONDS = 3_600;
/** Messages of a request to SQS: Lambda and the functions fill their batches where there is much to do, and then it counts. */
const MESSAGES_PER_REQUEST = 10;

/**
 * @typedef {object} CostNames
 * @property {string} prefix `service-stage`, before the name of every function, queue and table
 * @property {Readonly<Record<string, number>>} memoryMb By the name of a function.
 * @property {readonly string[]} queues
 *
 * @typedef {object} Part One line of the estimate.
 * @property {string} label
 * @property {string} formula For people.
 * @property {string} expression Metric math over the ids of `series`.
 * @property {[id: string, namespace: string, metric: string, dimension: string, value: string][]} series
 */

/**
 * @param {CostNames} names
 * @returns {Part[]}
 */
function costParts({ prefix, memoryMb, queues }) {
  const functions = Object.keys(memoryMb);
  /** @type {(names: readonly string[], namespace: string, dimension: string, folder?: string) => (id: string, metric: string) => Part['series']} */
  const seriesOf =
    (names, namespace, dimension, folder = '') =>
    (id, metric) =>
      names.map((name, index) => [
        `${id}${index}`,
        namespace,
        metric,
        dimension,
        `${folder}${prefix}-${name}`,
      ]);
  const lambda = seriesOf(functions, 'AWS/Lambda', 'FunctionName');
  const sqs = seriesOf(queues, 'AWS/SQS', 'QueueName');
  const tables = seriesOf(TABLES, 'AWS/DynamoDB', 'TableName');
  const gbMs = functions.map((name, index) => `FILL(time${index}, 0) * ${(memoryMb[name] ?? 0) / 1024}`);
  return [
    {
      label: 'S3 writes',
      formula: `(requests - SlowDown answers) x $${perMillion(PRICES.s3Write)} a million; reads of sources count as writes, so it is an upper bound`,
      expression: `(FILL(attempts, 0) - FILL(throttled, 0)) * ${PRICES.s3Write}`,
      series: [
        ['attempts', 'Spillway', 'Attempts', 'service', `${prefix}-upload`],
        ['throttled', 'Spillway', 'Throttled', 'service', `${prefix}-upload`],
      ],
    },
    {
      label: 'SQS',
      formula: `((messages sent + received + deleted) / ${MESSAGES_PER_REQUEST} + empty receives) x $${perMillion(PRICES.sqsRequest)} a million`,
      expression: `((${sumOf(queues, 'sent', 'taken', 'gone')}) / ${MESSAGES_PER_REQUEST} + ${sumOf(queues, 'empty')}) * ${PRICES.sqsRequest}`,
      series: [
        ...sqs('sent', 'NumberOfMessagesSent'),
        ...sqs('taken', 'NumberOfMessagesReceived'),
        ...sqs('gone', 'NumberOfMessagesDeleted'),
        ...sqs('empty', 'NumberOfEmptyReceives'),
      ],
    },
    {
      label: 'Lambda',
      formula: `duration x memory x $${PRICES.lambdaGbSecond} a GB-second + invocations x $${perMillion(PRICES.lambdaRequest)} a million`,
      expression: `(${gbMs.join(' + ')}) / 1000 * ${PRICES.lambdaGbSecond} + (${sumOf(functions, 'calls')}) * ${PRICES.lambdaRequest}`,
      series: [...lambda('time', 'Duration'), ...lambda('calls', 'Invocations')],
    },
    {
      label: 'DynamoDB',
      formula: `write units x $${perMillion(PRICES.dynamodbWriteUnit)} a million + read units x $${perMillion(PRICES.dynamodbReadUnit)} a million`,
      expression: `(${sumOf(TABLES, 'writes')}) * ${PRICES.dynamodbWriteUnit} + (${sumOf(TABLES, 'reads')}) * ${PRICES.dynamodbReadUnit}`,
      series: [
        ...tables('writes', 'ConsumedWriteCapacityUnits'),
        ...tables('reads', 'ConsumedReadCapacityUnits'),
      ],
    },
    {
      label: 'Logs',
      formula: `bytes x $${PRICES.logGb} a GB`,
      expression: `(${sumOf(functions, 'bytes')}) / 1000000000 * ${PRICES.logGb}`,
      series: seriesOf(functions, 'AWS/Logs', 'LogGroupName', '/aws/lambda/')('bytes', 'IncomingBytes'),
    },
  ];
}

/**
 * The lines of the graph: the estimates, and hidden what they are made of.
 * @param {CostNames} names
 */
export function costGraph(names) {
  return {
    period: PERIOD_SECONDS,
    stacked: true,
    metrics: costParts(names).flatMap(({ label, expression, series }, index) => [
      [{ expression, label, id: `cost${index}`, period: PERIOD_SECONDS }],
      ...series.map(([id, ...metric]) => [...metric, { id, stat: 'Sum', visible: false }]),
    ]),
  };
}

/**
 * The same as text, with the prices.
 * @param {CostNames} names
 */
export function costText(names) {
  const parts = costParts(names).map(({ label, formula }) => `- **${label}**: ${formula}`);
  return [
    'US dollars an hour, at the prices of us-east-1 in September 2026.',
    '',
    ...parts,
    '',
    'Not in it: stored bytes, transfer between regions, KMS, metrics, alarms, this dashboard.',
  ].join('\n');
}

/**
 * @param {readonly string[]} names functions, queues or tables
 * @param {readonly string[]} ids of their series
 */
function sumOf(names, ...ids) {
  return ids.flatMap((id) => names.map((_, index) => `FILL(${id}${index}, 0)`)).join(' + ');
}

/** @param {number} price */
function perMillion(price) {
  return Number((price * 1e6).toPrecision(6));
}
