// Checks the parameters of serverless.yml and makes its settings of them: values and policies. A fault stops packaging.
import { apiAuthorizer, checkJwt } from './api-authorizer.js';
import { checkStackNames, ownedBucket, shown } from './bucket-names.js';
import { checkConcurrency, DEAD_LETTERS_CONCURRENCY, warmThroughput } from './capacity.js';
import { inFlightFault } from './in-flight.js';
import { checkInboxes, inboxArns, inboxResources, ingestQueueStatements } from './inboxes.js';
import { partitionOf } from './partitions.js';
import { readParameters } from './read-parameters.js';
import {
  checkRoom,
  listedFileStatements,
  manifestStatements,
  readManifests,
  transferStatements,
} from './upload-permissions.js';

/** @typedef {import('./read-parameters.js').Values} Values */

/** More would not fit into the roles of four functions beside all that the other lists may hold. */
const MOST_MANIFEST_BUCKETS = 10;

/**
 * The value of `custom.settings` in serverless.yml.
 * @throws Error with every fault, not the first alone
 * @param {{ resolveVariable: (name: string) => Promise<unknown> }} context
 */
export async function settings({ resolveVariable }) {
  const faults = /** @type {string[]} */ ([]);
  const stack = await readStack(resolveVariable);
  checkStackNames(stack, faults);
  const values = await readParameters(resolveVariable, stack, faults);
  checkOwners(values, faults);
  const inFlight = inFlightFault(values);
  if (inFlight !== undefined) faults.push(inFlight);
  checkConcurrency(values, faults);
  checkInboxes(values, stack, faults);
  checkRoom(values, stack, faults);
  checkManifestBuckets(values, faults);
  checkJwt(values, faults);
  checkAlarms(values, stack, faults);
  if (faults.length > 0) {
    const error = new Error(`Parameters of serverless.yml:\n- ${faults.join('\n- ')}`);
    error.stack = error.message; // osls prints the stack, which would hide the remedy
    throw error;
  }

  const { sourceBuckets, sourceHosts, destinationBuckets, inboxBuckets, manifestBuckets, kmsKeys } = values;
  const { alarmTopicArn, alarmEmail, tracing } = values;
  return {
    ...values,
    // osls drops a setting without a value.
    ledgerWarmReads: values.ledgerWarmReads ?? '',
    ledgerWarmWrites: values.ledgerWarmWrites ?? '',
    sourceBuckets: sourceBuckets.join(','),
    sourceHosts: sourceHosts.join(','),
    destinationBuckets: { 'Fn::Join': [',', [{ Ref: 'DestinationBucket' }, ...destinationBuckets]] },
    kmsKeys: kmsKeys.join(','),
    inboxBuckets: inboxBuckets.join(','),
    inboxArns: inboxArns(inboxBuckets),
    ingestQueueStatements: ingestQueueStatements(values, stack),
    inboxResources: inboxResources(values, stack),
    deadLettersConcurrency: DEAD_LETTERS_CONCURRENCY,
    ledgerWarmThroughput: warmThroughput(values),
    transferStatements: transferStatements(values),
    manifestBuckets: manifestBuckets.join(','),
    manifestStatements: manifestStatements(values),
    apiManifestStatements: readManifests(values),
    listedFileStatements: listedFileStatements(values),
    ...apiAuthorizer(values),
    alarmActions: [alarmTopicArn === '' ? { Ref: 'AlarmTopic' } : alarmTopicArn],
    alarmSubscriptions: alarmEmail === '' ? [] : [{ Protocol: 'email', Endpoint: alarmEmail }],
    tracing: tracing === 'true',
    tracePolicies: tracing === 'true' ? [{ Ref: 'TracePolicy' }] : [],
  };
}

/**
 * A bucket that is a source and a destination has the same owner in both lists.
 * @param {Values} values
 * @param {string[]} faults
 */
function checkOwners({ sourceBuckets, destinationBuckets }, faults) {
  for (const source of sourceBuckets) {
    const { bucket } = ownedBucket(source);
    const other = destinationBuckets.find(
      (entry) => ownedBucket(entry).bucket === bucket && entry !== source,
    );
    if (other === undefined) continue;
    faults.push(
      `${shown(source)} in sourceBuckets and ${shown(other)} in destinationBuckets name one bucket, which has one owner`,
    );
  }
}

/**
 * @param {Values} values
 * @param {string[]} faults
 */
function checkManifestBuckets({ manifestBuckets }, faults) {
  if (manifestBuckets.length <= MOST_MANIFEST_BUCKETS) return;
  faults.push(
    `manifestBuckets holds ${manifestBuckets.length} names; it takes ${MOST_MANIFEST_BUCKETS}. Collect manifests in fewer buckets`,
  );
}

/**
 * A CloudWatch alarm can notify only a topic in its own region, and an address is subscribed to the stack's own topic.
 * @param {Values} values
 * @param {import('./bucket-names.js').Stack} stack
 * @param {string[]} faults
 */
function checkAlarms({ alarmTopicArn, alarmEmail }, { region }, faults) {
  if (alarmTopicArn === '') return;
  const [, partition, service, place] = alarmTopicArn.split(':');
  if (service === 'sns' && (place !== region || partition !== partitionOf(region))) {
    faults.push(
      `alarmTopicArn is ${shown(alarmTopicArn)}; alarms in ${region} take a topic of the same region`,
    );
  }
  if (alarmEmail !== '') {
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
