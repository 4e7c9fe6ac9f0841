// The permissions of upload on source and destination buckets, and whether their lists fit the quotas of IAM and Lambda.
import { destinationName } from './bucket-names.js';

/** @typedef {import('./bucket-names.js').Stack} Stack */

/** Quota for all inline policies of a role, without white space (IAM and STS quotas). Not adjustable. */
const POLICY_CHARACTERS = 10_240;
/** Quota for a function's environment as JSON (Lambda quotas, and its error message). Not adjustable. */
const ENVIRONMENT_BYTES = 4096;
/**
 * Upper bounds for UploadRole's other policy and ingest's other variables, with the longest names that a stack can have.
 * The template test compares both with the packaged template.
 */
const OTHER_POLICY_CHARACTERS = 1100;
const OTHER_ENVIRONMENT_BYTES = 1080;

/** Partitions other than aws, by the start of their regions' names. */
const PARTITIONS = /** @type {const} */ ([
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
]);

export const partitionOf = (/** @type {string} */ region) =>
  PARTITIONS.find(([start]) => region.startsWith(start))?.[1] ?? 'aws';

/**
 * How to write an ARN: as a CloudFormation expression, or as the final text.
 * @template Arn
 * @typedef {{ arn: (resource: string) => Arn, ownBucket: Arn, ownObjects: Arn }} ArnForm
 */

/** @type {ArnForm<{ 'Fn::Sub': string } | { 'Fn::GetAtt': string[] }>} */
const CLOUDFORMATION = {
  arn: (/** @type {string} */ resource) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${resource}` }),
  ownBucket: { 'Fn::GetAtt': ['DestinationBucket', 'Arn'] },
  ownObjects: { 'Fn::Sub': `\${DestinationBucket.Arn}/*` },
};

/**
 * The policy statements for CloudFormation.
 * @param {string[]} sourceBuckets
 * @param {string[]} destinationBuckets
 */
export const transferStatements = (sourceBuckets, destinationBuckets) =>
  statements(sourceBuckets, destinationBuckets, CLOUDFORMATION);

/**
 * What ingest may read: files that a manifest names as its parts, such as those of an S3 Inventory, in source buckets. Its policy
 * is shorter than upload's, which has each bucket twice, so it fits where that does.
 * @param {string[]} sourceBuckets
 */
export function listedFileStatements(sourceBuckets) {
  const inbox = {
    Effect: 'Allow',
    Action: ['s3:GetObject'],
    Resource: [{ 'Fn::Sub': '${InboxBucket.Arn}/*' }],
  };
  const files = {
    Effect: 'Allow',
    Action: ['s3:GetObject'],
    Resource: sourceBuckets.map((bucket) => CLOUDFORMATION.arn(`${bucket}/*`)),
  };
  // A policy without statements is refused.
  return sourceBuckets.length === 0 ? [inbox] : [inbox, files];
}

/**
 * Where manifests are read: by ingest, and by settle and the dead-letter handler to name the rows that are left. With
 * s3:ListBucket, S3 answers 404, not 403, for a manifest that is gone.
 * @param {string[]} manifestBuckets
 */
export function manifestStatements(manifestBuckets) {
  const objects = readManifests(manifestBuckets);
  if (manifestBuckets.length === 0) return objects;
  const lists = {
    Effect: 'Allow',
    Action: ['s3:ListBucket'],
    Resource: manifestBuckets.map((bucket) => CLOUDFORMATION.arn(bucket)),
  };
  return [...objects, lists];
}

/**
 * The API looks at a manifest before it takes it; in the inbox also at what it was sent before.
 * @param {string[]} manifestBuckets
 */
export const readManifests = (manifestBuckets) => [
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectVersion'],
    Resource: [
      { 'Fn::Sub': '${InboxBucket.Arn}/*' },
      ...manifestBuckets.map((bucket) => CLOUDFORMATION.arn(`${bucket}/*`)),
    ],
  },
];

/**
 * Everyone who may write to the inbox can use these permissions, so sources are an explicit list, empty by default.
 * - A server-side copy also reads and writes tags, and S3 refuses it without the permission to.
 * - Upload reads a destination to compare an existing object, and a source to keep its metadata.
 * - A copy in parts lists the parts that an earlier invocation has copied, and aborts an upload that ends without an object.
 * - With s3:ListBucket, S3 answers 404, not 403, for a missing object.
 * @template Arn
 * @param {string[]} sourceBuckets
 * @param {string[]} destinationBuckets
 * @param {ArnForm<Arn>} form
 */
function statements(sourceBuckets, destinationBuckets, { arn, ownBucket, ownObjects }) {
  const objectsIn = (/** @type {string} */ bucket) => arn(`${bucket}/*`);
  const destinations = {
    Effect: 'Allow',
    Action: [
      's3:PutObject',
      's3:PutObjectTagging',
      's3:GetObject',
      's3:AbortMultipartUpload',
      's3:ListMultipartUploadParts',
    ],
    Resource: [ownObjects, ...destinationBuckets.map(objectsIn)],
  };
  const listed = new Set([...destinationBuckets, ...sourceBuckets]);
  const lists = {
    Effect: 'Allow',
    Action: ['s3:ListBucket'],
    Resource: [ownBucket, ...[...listed].map(arn)],
  };
  if (sourceBuckets.length === 0) return [destinations, lists];
  const sources = {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging', 's3:GetObjectVersionTagging'],
    Resource: sourceBuckets.map(objectsIn),
  };
  return [destinations, lists, sources];
}

/**
 * Size of UploadRole's inline policies, in characters as IAM counts them.
 * @param {string[]} sourceBuckets
 * @param {string[]} destinationBuckets
 * @param {Stack} stack
 */
export function policyCharacters(sourceBuckets, destinationBuckets, stack) {
  const arn = (/** @type {string} */ resource) => `arn:${partitionOf(stack.region)}:s3:::${resource}`;
  const own = destinationName(stack);
  const form = { arn, ownBucket: arn(own), ownObjects: arn(`${own}/*`) };
  const Statement = statements(sourceBuckets, destinationBuckets, form);
  return OTHER_POLICY_CHARACTERS + JSON.stringify({ Version: '2012-10-17', Statement }).length;
}

/**
 * Size of ingest's environment, which is the largest, in bytes as Lambda counts them.
 * @param {string[]} sourceBuckets
 * @param {string[]} destinationBuckets
 * @param {Stack} stack
 * @param {string[]} sourceHosts
 * @param {string[]} manifestBuckets
 */
export function environmentBytes(
  sourceBuckets,
  destinationBuckets,
  stack,
  sourceHosts = [],
  manifestBuckets = [],
) {
  // Names of buckets and hosts are ASCII and need no escapes in JSON.
  const destinations = [destinationName(stack), ...destinationBuckets].join(',');
  const lists = [destinations, sourceBuckets.join(','), sourceHosts.join(','), manifestBuckets.join(',')];
  return lists.reduce((bytes, list) => bytes + list.length, OTHER_ENVIRONMENT_BYTES);
}

/**
 * @param {{ sourceBuckets: string[], destinationBuckets: string[], sourceHosts: string[], manifestBuckets: string[] }} lists
 * @param {Stack} stack
 * @param {string[]} faults
 */
export function checkRoom(
  { sourceBuckets, destinationBuckets, sourceHosts, manifestBuckets },
  stack,
  faults,
) {
  const policy = policyCharacters(sourceBuckets, destinationBuckets, stack);
  const environment = environmentBytes(
    sourceBuckets,
    destinationBuckets,
    stack,
    sourceHosts,
    manifestBuckets,
  );
  const over = [
    ...(policy > POLICY_CHARACTERS
      ? [`${policy} characters of policies for UploadRole, where IAM takes ${POLICY_CHARACTERS}`]
      : []),
    ...(environment > ENVIRONMENT_BYTES
      ? [`${environment} bytes of environment for ingest and upload, where Lambda takes ${ENVIRONMENT_BYTES}`]
      : []),
  ];
  if (over.length === 0) return;

  const fits = (/** @type {string[]} */ sources, hosts = sourceHosts) =>
    policyCharacters(sources, destinationBuckets, stack) <= POLICY_CHARACTERS &&
    environmentBytes(sources, destinationBuckets, stack, hosts, manifestBuckets) <= ENVIRONMENT_BYTES;
  const furtherStacks = 'further stacks (--stage NAME)';
  const remedy = fits([])
    ? `The first ${mostThatFit(sourceBuckets, fits)} of the source buckets fit: give the others to ${furtherStacks}`
    : fits([], [])
      ? `Source hosts have ${sourceHosts.join(',').length} characters: spread them over ${furtherStacks}, or allow *.DOMAIN`
      : `The destination buckets alone are too many: spread them over ${furtherStacks}`;
  const hosts = sourceHosts.length === 0 ? '' : `, with sourceHosts (${sourceHosts.length}),`;
  faults.push(
    `sourceBuckets (${sourceBuckets.length}) and destinationBuckets (${destinationBuckets.length})${hosts} make ` +
      `${over.join(', and ')}. ${remedy}`,
  );
}

/**
 * The number of names that fit, counted from the first, by binary search.
 * @param {string[]} names an empty list fits
 * @param {(names: string[]) => boolean} fits
 */
function mostThatFit(names, fits) {
  let [most, tooMany] = [0, names.length];
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2);
    if (fits(names.slice(0, middle))) most = middle;
    else tooMany = middle;
  }
  return most;
}
