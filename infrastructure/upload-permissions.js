// The permissions on the buckets and keys of the parameters, and whether their lists fit the quotas of IAM and Lambda.
import { ANY_OWNER, arnOf, objectsOf, ownBucketName, ownedBucket } from './bucket-names.js';
import { inboxArns, inboxObjects } from './inboxes.js';
import { keyStatements } from './kms-keys.js';
import { partitionOf } from './partitions.js';

/** @typedef {import('./bucket-names.js').Stack} Stack */

/**
 * The parameters that are lists, as infrastructure/read-parameters.js reads them.
 * @typedef {{ sourceBuckets: string[], destinationBuckets: string[], sourceHosts: string[], kmsKeys: string[],
 *   inboxBuckets: string[], manifestBuckets: string[] }} Lists
 */

/** Quota for all inline policies of a role, without white space (IAM and STS quotas). Not adjustable. */
const POLICY_CHARACTERS = 10_240;
/** Quota for a function's environment as JSON (Lambda quotas, and its error message). Not adjustable. */
const ENVIRONMENT_BYTES = 4096;
/**
 * Upper bounds for what the roles may do besides, and for ingest's other variables, with the longest names that a stack can have.
 * The template test compares all with the packaged template. SettleRole has the lists of DeadLettersRole, and less besides.
 */
const OTHER_POLICY_CHARACTERS = /** @type {const} */ ({
  UploadRole: 1200,
  IngestRole: 2640,
  DeadLettersRole: 2700,
});
const OTHER_ENVIRONMENT_BYTES = 1240;

/** @typedef {keyof typeof OTHER_POLICY_CHARACTERS} ListedRole */

const OWN_BUCKET = { 'Fn::GetAtt': ['DestinationBucket', 'Arn'] };
const OWN_OBJECTS = { 'Fn::Sub': '${DestinationBucket.Arn}/*' };
const WRITES = [
  's3:PutObject',
  's3:PutObjectTagging',
  's3:GetObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
];
const COPY_READS = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:GetObjectTagging',
  's3:GetObjectVersionTagging',
];

/**
 * The API looks at a manifest before it takes it; in the inbox also at what it was sent before.
 * @param {Lists} lists
 */
export const readManifests = ({ kmsKeys, manifestBuckets }) =>
  reads(inboxObjects([]), manifestBuckets, kmsKeys);

/**
 * @param {object[]} inboxes
 * @param {string[]} manifestBuckets
 * @param {string[]} kmsKeys
 */
const reads = (inboxes, manifestBuckets, kmsKeys) => [
  allow(['s3:GetObject', 's3:GetObjectVersion'], [...inboxes, ...objectsOf(manifestBuckets)]),
  ...keyStatements(['kms:Decrypt'], kmsKeys),
];

/**
 * Reads manifests: ingest does, settle for a job that was ended early, and the handler of dead letters to name a slice's rows. With
 * s3:ListBucket, S3 answers 404, not 403, for a manifest that is gone; with s3:ListBucketVersions, for a version of it.
 * @param {Lists} lists
 */
export const manifestStatements = (lists) => [
  ...reads(inboxObjects(lists.inboxBuckets), lists.manifestBuckets, lists.kmsKeys),
  ...(lists.manifestBuckets.length === 0
    ? []
    : [allow(['s3:ListBucket', 's3:ListBucketVersions'], lists.manifestBuckets.map(arnOf))]),
];

/**
 * What ingest may read: manifests, and files that a manifest names as its parts, such as those of an S3 Inventory, in source
 * buckets.
 * @param {Lists} lists
 */
export const listedFileStatements = (lists) => [
  ...manifestStatements(lists),
  ...byOwner(lists.sourceBuckets).map(({ account, buckets }) =>
    allow(['s3:GetObject'], objectsOf(buckets), account),
  ),
];

/**
 * What upload may do with sources and destinations. Everyone who may write to the inbox can use these permissions, so sources are an explicit list, empty by default.
 * - A server-side copy also reads and writes tags, and S3 refuses it without the permission to.
 * - Upload reads a destination to compare an existing object, and a source to keep its metadata.
 * - A copy in parts lists the parts that an earlier invocation has copied, and aborts an upload that ends without an object.
 * - With s3:ListBucket, S3 answers 404, not 403, for a missing object.
 * - Under a key, a write needs kms:GenerateDataKey and one in parts kms:Decrypt too, as does every read.
 * @param {Lists} lists
 */
export function transferStatements({ sourceBuckets, destinationBuckets, kmsKeys }) {
  // The stack's own destination is in its own account.
  const own = (/** @type {string | undefined} */ account, /** @type {object} */ arn) =>
    account === undefined ? [arn] : [];
  const listed = byOwner([...destinationBuckets, ...sourceBuckets], true);
  return [
    ...byOwner(destinationBuckets, true).map(({ account, buckets }) =>
      allow(WRITES, [...own(account, OWN_OBJECTS), ...objectsOf(buckets)], account),
    ),
    ...listed.map(({ account, buckets }) =>
      allow(['s3:ListBucket'], [...own(account, OWN_BUCKET), ...buckets.map(arnOf)], account),
    ),
    ...byOwner(sourceBuckets).map(({ account, buckets }) => allow(COPY_READS, objectsOf(buckets), account)),
    ...keyStatements(['kms:GenerateDataKey', 'kms:Decrypt'], kmsKeys),
  ];
}

/**
 * The buckets of each owner, since a condition holds for a whole statement.
 * @param {string[]} entries
 * @param {boolean} withOwn whether the stack's own account stands first also where it has none of them
 * @returns {{ account: string | undefined, buckets: string[] }[]} without an account: the stack's own
 */
function byOwner(entries, withOwn = false) {
  const groups = /** @type {Map<string | undefined, Set<string>>} */ (new Map());
  if (withOwn) groups.set(undefined, new Set());
  for (const { bucket, account } of entries.map(ownedBucket)) {
    groups.set(account, (groups.get(account) ?? new Set()).add(bucket));
  }
  return [...groups].map(([account, buckets]) => ({ account, buckets: [...buckets] }));
}

/**
 * A bucket's name may come to another account when its owner deletes it: then nothing is allowed on it.
 * @param {string[]} actions
 * @param {object[]} resources
 * @param {string} [account] that owns them; the stack's own by default
 */
const allow = (actions, resources, account) => ({
  Effect: 'Allow',
  Action: actions,
  Resource: resources,
  ...(account === ANY_OWNER
    ? {}
    : {
        Condition: { StringEquals: { 'aws:ResourceAccount': account ?? { Ref: 'AWS::AccountId' } } },
      }),
});

/**
 * Sizes of the inline policies of the roles that hold lists, in characters as IAM counts them.
 * @param {Lists} lists
 * @param {Stack} stack
 * @returns {Record<ListedRole, number>}
 */
export function policyCharacters(lists, stack) {
  const inboxes = inboxArns(lists.inboxBuckets);
  const listed = {
    UploadRole: [transferStatements(lists)],
    IngestRole: [listedFileStatements(lists), inboxes],
    // Settle and the handler of dead letters list the inboxes, too.
    DeadLettersRole: [manifestStatements(lists), inboxes],
  };
  const sizes = Object.entries(OTHER_POLICY_CHARACTERS).map(([role, other]) => [
    role,
    other + JSON.stringify(deployed(listed[/** @type {ListedRole} */ (role)], stack)).length,
  ]);
  return Object.fromEntries(sizes);
}

/**
 * The value with the text that CloudFormation makes of its functions, as long as in a real account.
 * @param {unknown} value
 * @param {Stack} stack
 * @returns {unknown}
 */
function deployed(value, stack) {
  const partition = partitionOf(stack.region);
  const bucketArn = (/** @type {string} */ id) =>
    `arn:${partition}:s3:::${ownBucketName(id.replace(/Bucket$/, '').toLowerCase(), stack)}`;
  const filled = (/** @type {string} */ text) =>
    text
      .replace('${AWS::Partition}', partition)
      .replace(/\$\{(\w+)\.Arn\}/, (_, /** @type {string} */ id) => bucketArn(id));
  return JSON.parse(JSON.stringify(value), (_key, part) => {
    if (typeof part?.['Fn::Sub'] === 'string') return filled(part['Fn::Sub']);
    if (Array.isArray(part?.['Fn::GetAtt'])) return bucketArn(part['Fn::GetAtt'][0]);
    return part?.Ref === 'AWS::AccountId' ? '0'.repeat(12) : part;
  });
}

/**
 * Size of ingest's environment, which is the largest, in bytes as Lambda counts them.
 * @param {Lists} lists
 * @param {Stack} stack
 */
export function environmentBytes(
  { sourceBuckets, destinationBuckets, sourceHosts, kmsKeys, inboxBuckets, manifestBuckets },
  stack,
) {
  // Names of buckets, hosts and keys are ASCII and need no escapes in JSON.
  const destinations = [ownBucketName('destination', stack), ...destinationBuckets];
  return [destinations, sourceBuckets, sourceHosts, kmsKeys, inboxBuckets, manifestBuckets].reduce(
    (bytes, list) => bytes + list.join(',').length,
    OTHER_ENVIRONMENT_BYTES,
  );
}

/**
 * @param {Lists} lists
 * @param {Stack} stack
 * @param {string[]} faults
 */
export function checkRoom(lists, stack, faults) {
  const { sourceBuckets, destinationBuckets, sourceHosts, kmsKeys, inboxBuckets, manifestBuckets } = lists;
  const roomOf = (/** @type {Lists} */ each) => ({
    policies: Object.entries(policyCharacters(each, stack)).filter(([, size]) => size > POLICY_CHARACTERS),
    environment: environmentBytes(each, stack),
  });
  const { policies, environment } = roomOf(lists);
  const over = [
    ...policies.map(
      ([role, size]) => `${size} characters of policies for ${role}, where IAM takes ${POLICY_CHARACTERS}`,
    ),
    ...(environment > ENVIRONMENT_BYTES
      ? [`${environment} bytes of environment for ingest and upload, where Lambda takes ${ENVIRONMENT_BYTES}`]
      : []),
  ];
  if (over.length === 0) return;

  const fits = (/** @type {Partial<Lists>} */ changes) => {
    const room = roomOf({ ...lists, ...changes });
    return room.policies.length === 0 && room.environment <= ENVIRONMENT_BYTES;
  };
  const furtherStacks = 'further stacks (--stage NAME)';
  const remedy = fits({ sourceBuckets: [] })
    ? `The first ${mostThatFit(sourceBuckets, (buckets) => fits({ sourceBuckets: buckets }))} of the source buckets fit: ` +
      `give the others to ${furtherStacks}`
    : fits({ sourceBuckets: [], sourceHosts: [] })
      ? `Source hosts have ${sourceHosts.join(',').length} characters: spread them over ${furtherStacks}, or allow *.DOMAIN`
      : fits({ sourceBuckets: [], sourceHosts: [], kmsKeys: [] })
        ? `The keys have ${kmsKeys.join(',').length} characters: spread them over ${furtherStacks}`
        : fits({ sourceBuckets: [], sourceHosts: [], kmsKeys: [], manifestBuckets: [] })
          ? `The manifest buckets have ${manifestBuckets.join(',').length} characters: collect manifests in fewer buckets`
          : `The destination buckets alone are too many: spread them over ${furtherStacks}`;
  const more = Object.entries({ sourceHosts, kmsKeys, inboxBuckets, manifestBuckets })
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => `${name} (${list.length})`);
  faults.push(
    `sourceBuckets (${sourceBuckets.length}) and destinationBuckets (${destinationBuckets.length})` +
      `${more.length === 0 ? '' : `, with ${more.join(' and ')},`} make ${over.join(', and ')}. ${remedy}`,
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
