// Turns the parameters of serverless.yml into checked numbers, policies and the dashboard; a bad one stops the packaging.
import { dashboardBody } from './serverless.dashboard.js';

/** SQS stops delivering at about 120,000 messages in flight, silently. */
const MOST_MESSAGES_IN_FLIGHT = 110_000;
/** Messages that one upload function has returned and that are still in flight (shared/queue/give-back.ts). */
const RETURNS_PER_WORKER = 60;

/** The steps that CloudWatch Logs knows. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** name -> [lowest, highest], both as AWS or SQS allows them. */
const NUMBERS = /** @type {const} */ ({
  maximumConcurrency: [2, 1000],
  batchSize: [1, 10_000],
  sliceBytes: [65_536, 1_073_741_824],
  blockRows: [1, 500],
  replayIdleSeconds: [60, 86_400],
  replayBusySeconds: [600, 864_000],
  logRetentionDays: [1, 3653],
  reportDays: [1, 3650],
  manifestDays: [1, 3650],
  oldestMessageSeconds: [60, 864_000],
});

/** As shared/manifest/bucket-name.ts, which osls can't load: us-east-1 still has capitals, `_` and up to 255 characters. */
const BUCKET_NAME = /^(?!\.+$)[A-Za-z0-9._-]{3,255}$/;

/**
 * What serverless.yml reads as `custom.settings`. Reports every fault at once.
 * @param {{ resolveVariable: (name: string) => Promise<unknown> }} context
 */
export async function settings({ resolveVariable }) {
  const faults = /** @type {string[]} */ ([]);
  const text = async (/** @type {string} */ name) => String((await resolveVariable(`param:${name}`)) ?? '');

  const numbers = /** @type {Record<keyof typeof NUMBERS, number>} */ ({});
  for (const name of /** @type {(keyof typeof NUMBERS)[]} */ (Object.keys(NUMBERS))) {
    numbers[name] = wholeNumber(name, await text(name), NUMBERS[name], faults);
  }
  if (!LOG_RETENTION_DAYS.includes(numbers.logRetentionDays)) {
    faults.push(
      `logRetentionDays is ${numbers.logRetentionDays}; CloudWatch Logs takes ${LOG_RETENTION_DAYS.join(', ')}`,
    );
  }
  const inFlight = numbers.maximumConcurrency * (numbers.batchSize + RETURNS_PER_WORKER);
  if (inFlight > MOST_MESSAGES_IN_FLIGHT) {
    const remedy = Math.max(
      2,
      Math.floor(MOST_MESSAGES_IN_FLIGHT / (numbers.batchSize + RETURNS_PER_WORKER)),
    );
    faults.push(
      `maximumConcurrency ${numbers.maximumConcurrency} x (batchSize ${numbers.batchSize} + ${RETURNS_PER_WORKER} returned) = ` +
        `${inFlight} messages in flight, above ${MOST_MESSAGES_IN_FLIGHT}: SQS stops delivering at about 120,000 and says nothing. ` +
        `Lower maximumConcurrency to ${remedy}, or batchSize`,
    );
  }

  const sourceBuckets = bucketNames('sourceBuckets', await text('sourceBuckets'), faults);
  const destinationBuckets = bucketNames('destinationBuckets', await text('destinationBuckets'), faults);
  const prefix = `${await resolveVariable('self:service')}-${await resolveVariable('sls:stage')}`;
  for (const bucket of destinationBuckets) {
    if (new RegExp(`^${prefix}-(inbox|reports)-`).test(bucket)) {
      faults.push(
        `destinationBuckets holds "${bucket}": writing objects into the stack's own inbox or reports would start or spoil jobs`,
      );
    }
  }
  const topicArn = await text('alarmTopicArn');
  if (topicArn !== '' && !/^arn:[^:]+:sns:[^:]+:\d{12}:.+$/.test(topicArn)) {
    faults.push(`alarmTopicArn is "${topicArn}"; it takes the ARN of an SNS topic`);
  }
  if (faults.length > 0) {
    const error = new Error(`Parameters of serverless.yml:\n- ${faults.join('\n- ')}`);
    error.stack = error.message; // osls prints the stack, which would bury the remedy
    throw error;
  }

  return {
    ...numbers,
    sourceBuckets: sourceBuckets.join(','),
    destinationBuckets: { 'Fn::Join': [',', [{ Ref: 'DestinationBucket' }, ...destinationBuckets]] },
    transferStatements: transferStatements(sourceBuckets, destinationBuckets),
    alarmActions: topicArn === '' ? [] : [topicArn],
    dashboardBody: dashboardBody(prefix),
  };
}

/**
 * @param {string} name
 * @param {string} value
 * @param {readonly [number, number]} range
 * @param {string[]} faults
 */
function wholeNumber(name, value, [lowest, highest], faults) {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= lowest && number <= highest)) {
    faults.push(`${name} is "${value}"; it takes a whole number from ${lowest} to ${highest}`);
  }
  return number;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string[]} faults
 */
function bucketNames(name, value, faults) {
  const names = value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  for (const bucket of names) {
    if (!BUCKET_NAME.test(bucket)) {
      faults.push(`${name} holds "${bucket}"; it takes names of buckets, parted by commas: no ARN, no s3://`);
    }
  }
  return [...new Set(names)];
}

/**
 * What upload may read and write. Whoever may write to the inbox borrows these rights, so sources are an explicit list,
 * empty by default. A server-side copy reads and writes tags too, and is refused without the right to. A destination is
 * read to tell whether an object that stands in the way is the one to be written, a source to keep its metadata. Both are
 * listed so that S3 calls a missing object missing (404), and not forbidden (403).
 * @param {string[]} sourceBuckets
 * @param {string[]} destinationBuckets
 */
function transferStatements(sourceBuckets, destinationBuckets) {
  const arn = (/** @type {string} */ resource) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${resource}` });
  const objectsIn = (/** @type {string} */ bucket) => arn(`${bucket}/*`);
  const destinations = {
    Effect: 'Allow',
    Action: ['s3:PutObject', 's3:PutObjectTagging', 's3:GetObject'],
    Resource: [{ 'Fn::Sub': `\${DestinationBucket.Arn}/*` }, ...destinationBuckets.map(objectsIn)],
  };
  const listed = new Set([...destinationBuckets, ...sourceBuckets]);
  const lists = {
    Effect: 'Allow',
    Action: ['s3:ListBucket'],
    Resource: [{ 'Fn::GetAtt': ['DestinationBucket', 'Arn'] }, ...[...listed].map(arn)],
  };
  if (sourceBuckets.length === 0) return [destinations, lists];
  const sources = {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging', 's3:GetObjectVersionTagging'],
    Resource: sourceBuckets.map(objectsIn),
  };
  return [destinations, lists, sources];
}
