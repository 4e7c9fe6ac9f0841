// Checks the parameters of serverless.yml and makes its settings of them: numbers, policies, the dashboard. A fault stops packaging.

import { apiAuthorizer, checkJwt } from './api-authorizer.js';
import { bucketNames, checkStackNames, shown } from './bucket-names.js';
import { dashboardBody } from './dashboard.js';
import { hostNames } from './host-names.js';
import {
  checkRoom,
  listedFileStatements,
  manifestStatements,
  partitionOf,
  readManifests,
  transferStatements,
} from './upload-permissions.js';

/** SQS stops delivering at about 120,000 messages in flight, without an error. */
const MOST_MESSAGES_IN_FLIGHT = 110_000;
/** Messages in flight that one upload function has returned to the queue (shared/queue/give-back.ts). */
const RETURNS_PER_WORKER = 60;

/** The values that CloudWatch Logs accepts. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** name -> [lowest, highest] that AWS allows. */
const NUMBERS = /** @type {const} */ ({
  maximumConcurrency: [2, 1000],
  batchSize: [1, 10_000],
  sliceBytes: [65_536, 1_073_741_824],
  blockRows: [1, 500],
  // From S3's least part to the most that CopyObject takes.
  multipartCopyBytes: [5_242_880, 5_368_709_120],
  replayIdleSeconds: [60, 86_400],
  replayBusySeconds: [600, 864_000],
  logRetentionDays: [1, 3653],
  // A job's default deadline is 14 days, and it reads its outcomes and its manifest until it ends.
  reportDays: [15, 3650],
  manifestDays: [15, 3650],
  oldestMessageSeconds: [60, 864_000],
  // API Gateway's quota of an account and region: 10,000 a second, 5,000 at once.
  apiRatePerSecond: [1, 10_000],
  apiBurst: [1, 5000],
});

/** More would not fit into the roles of four functions beside all that the other lists may hold. */
const MOST_MANIFEST_BUCKETS = 10;

/**
 * The value of `custom.settings` in serverless.yml.
 * @throws Error with every fault, not the first alone
 * @param {{ resolveVariable: (name: string) => Promise<unknown> }} context
 */
export async function settings({ resolveVariable }) {
  const faults = /** @type {string[]} */ ([]);
  const text = async (/** @type {string} */ name) => String((await resolveVariable(`param:${name}`)) ?? '');
  await checkGiven(resolveVariable, faults);
  const stack = await readStack(resolveVariable);
  checkStackNames(stack, faults);
  if (!/^[a-z]+(-[a-z]+)+-\d+$/.test(stack.region)) {
    faults.push(`region is ${shown(stack.region)}; it takes the code of a region, as eu-west-1`);
  }

  const numbers = /** @type {Record<keyof typeof NUMBERS, number>} */ ({});
  for (const name of /** @type {(keyof typeof NUMBERS)[]} */ (Object.keys(NUMBERS))) {
    numbers[name] = wholeNumber(name, await text(name), NUMBERS[name], faults);
  }
  if (!Number.isNaN(numbers.logRetentionDays) && !LOG_RETENTION_DAYS.includes(numbers.logRetentionDays)) {
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

  const sourceBuckets = bucketNames('sourceBuckets', await text('sourceBuckets'), stack, faults);
  const destinationBuckets = bucketNames(
    'destinationBuckets',
    await text('destinationBuckets'),
    stack,
    faults,
  );
  const sourceHosts = hostNames('sourceHosts', await text('sourceHosts'), faults);
  const manifestBuckets = bucketNames('manifestBuckets', await text('manifestBuckets'), stack, faults);
  if (manifestBuckets.length > MOST_MANIFEST_BUCKETS) {
    faults.push(
      `manifestBuckets holds ${manifestBuckets.length} names; it takes ${MOST_MANIFEST_BUCKETS}. Collect manifests in fewer buckets`,
    );
  }
  checkRoom({ sourceBuckets, destinationBuckets, sourceHosts, manifestBuckets }, stack, faults);
  const jwt = { issuer: await text('jwtIssuer'), audience: await text('jwtAudience') };
  checkJwt(jwt, faults);
  const requesterPays = await text('requesterPays');
  if (requesterPays !== 'true' && requesterPays !== 'false') {
    faults.push(`requesterPays is ${shown(requesterPays)}; it takes true or false`);
  }
  const topicArn = await text('alarmTopicArn');
  if (topicArn !== '') checkTopic(topicArn, stack.region, faults);
  const alarmEmail = await text('alarmEmail');
  checkEmail(alarmEmail, topicArn, faults);
  if (faults.length > 0) {
    const error = new Error(`Parameters of serverless.yml:\n- ${faults.join('\n- ')}`);
    error.stack = error.message; // osls prints the stack, which would hide the remedy
    throw error;
  }

  return {
    ...numbers,
    requesterPays,
    sourceBuckets: sourceBuckets.join(','),
    sourceHosts: sourceHosts.join(','),
    destinationBuckets: { 'Fn::Join': [',', [{ Ref: 'DestinationBucket' }, ...destinationBuckets]] },
    transferStatements: transferStatements(sourceBuckets, destinationBuckets),
    listedFileStatements: listedFileStatements(sourceBuckets),
    manifestBuckets: manifestBuckets.join(','),
    manifestStatements: manifestStatements(manifestBuckets),
    apiManifestStatements: readManifests(manifestBuckets),
    ...apiAuthorizer(jwt),
    alarmActions: [topicArn === '' ? { Ref: 'AlarmTopic' } : topicArn],
    alarmSubscriptions: alarmEmail === '' ? [] : [{ Protocol: 'email', Endpoint: alarmEmail }],
    dashboardBody: dashboardBody(`${stack.service}-${stack.stage}`),
  };
}

/**
 * Checks the parameters on the command line: osls ignores an unknown name, and uses the last value of a repeated one.
 * @param {(name: string) => Promise<unknown>} resolveVariable
 * @param {string[]} faults
 */
async function checkGiven(resolveVariable, faults) {
  const known = Object.keys((await resolveVariable('self:params.default')) ?? {});
  const given = /** @type {string[]} */ ((await resolveVariable('opt:param, null')) ?? []);
  const names = given.map((text) => text.slice(0, text.indexOf('=')));
  for (const name of new Set(names)) {
    if (!known.includes(name)) {
      faults.push(`--param ${shown(name)} is none; the parameters are ${known.join(', ')}`);
    } else if (names.indexOf(name) !== names.lastIndexOf(name)) {
      faults.push(`--param ${name} is given twice, and the last would win; give it once, a list with commas`);
    }
  }
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
    faults.push(`${name} is ${shown(value)}; it takes a whole number from ${lowest} to ${highest}`);
  }
  return number;
}

/**
 * A CloudWatch alarm can notify only a topic in its own region.
 * @param {string} arn
 * @param {string} region
 * @param {string[]} faults
 */
function checkTopic(arn, region, faults) {
  const [, partition, place] =
    /^arn:([a-z-]+):sns:([a-z0-9-]+):\d{12}:[\w-]{1,256}(?:\.fifo)?$/.exec(arn) ?? [];
  if (place === undefined) {
    faults.push(`alarmTopicArn is ${shown(arn)}; it takes the ARN of an SNS topic, not of a subscription`);
  } else if (place !== region || partition !== partitionOf(region)) {
    faults.push(`alarmTopicArn is ${shown(arn)}; alarms in ${region} take a topic of the same region`);
  }
}

/**
 * Only what is plainly no address: AWS sends a message to it, which has to be confirmed.
 * @param {string} address
 * @param {string} topicArn
 * @param {string[]} faults
 */
function checkEmail(address, topicArn, faults) {
  if (address === '') return;
  if (!/^[^\s@,]{1,64}@[^\s@,]{1,255}$/.test(address)) {
    faults.push(`alarmEmail is ${shown(address)}; it takes one e-mail address`);
  } else if (topicArn !== '') {
    faults.push(
      "alarmEmail subscribes to the stack's own topic, and alarmTopicArn replaces it: give one of them",
    );
  }
}

/**
 * @param {(name: string) => Promise<unknown>} resolveVariable
 * @returns {Promise<import('./bucket-names.js').Stack>}
 */
async function readStack(resolveVariable) {
  const bucket = /** @type {string | { name?: string } | null | undefined} */ (
    await resolveVariable('self:provider.deploymentBucket')
  );
  return {
    service: String(await resolveVariable('self:service')),
    stage: String(await resolveVariable('sls:stage')),
    region: String(await resolveVariable('self:provider.region')),
    deploymentBucket: typeof bucket === 'string' ? bucket : bucket?.name,
  };
}
