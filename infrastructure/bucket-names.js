// Checks the names of buckets in serverless.yml's parameters: valid in S3, and not a bucket of this service itself.

/** Longest value of a parameter that a message shows. */
const SHOWN_CHARACTERS = 300;
const BUCKET_CHARACTERS = 63;
/** What the names of buckets leave for a stage, with an account and a region of 14 characters. */
const STAGE_CHARACTERS = 14;
/** The owner of a source that may be any account: a public data set's, for example. */
export const ANY_OWNER = 'any';
/** Stands for the account's id in a bucket name: packaging does not know the account. */
const ANY_ACCOUNT = '0'.repeat(12);

/**
 * The same rule as shared/keys/bucket-name.ts, which osls can't load. Buckets created in us-east-1 before March 2018 may have
 * capitals, underscores and up to 255 characters.
 */
const BUCKET_NAME = /^(?!\.+$)[A-Za-z0-9._-]{3,255}$/;
/** Names that no general purpose bucket can have (S3 user guide, "General purpose bucket naming rules"). */
const NO_BUCKETS = /** @type {const} */ ([
  [/--x-s3$/, 'a directory bucket, which the rights of this stack (s3:GetObject, s3:PutObject) do not open'],
  [
    /--xa-s3$/,
    'the alias of an access point to a directory bucket, which the rights of this stack do not open',
  ],
  [/-s3alias$/, 'the alias of an access point: name the bucket behind it'],
  [/--ol-s3$/, 'the alias of an Object Lambda access point: name the bucket behind it'],
  [/\.mrap$/, 'a Multi-Region Access Point: name one of the buckets behind it'],
  [/--table-s3$/, 'a table bucket, which holds tables and no objects'],
  [/^(xn--|sthree-|amzn-s3-demo-)/, 'no name of a bucket: S3 keeps this beginning for itself'],
  [/\.\./, 'no name of a bucket: two dots stand together'],
  [/^\d+(\.\d+){3}$/, 'no name of a bucket: it is an IP address'],
]);

/**
 * Identifies the stack that is packaged.
 * @typedef {{ service: string, stage: string, region: string, deploymentBucket: string | undefined }} Stack
 */

/** @typedef {'sourceBuckets' | 'destinationBuckets' | 'inboxBuckets' | 'manifestBuckets'} Parameter */

/** What would come of it if a bucket of the service itself were listed. */
const READABLE = {
  inbox: 'all who may drop a manifest could read the manifests of others',
  reports: 'all who may drop a manifest could read the reports of others',
  deployment: 'all who may drop a manifest could read the code of a stack',
};
const WHY_NOT = {
  sourceBuckets: READABLE,
  manifestBuckets: READABLE,
  destinationBuckets: {
    inbox: 'objects written there would start jobs',
    reports: 'objects written there would spoil jobs',
    deployment: 'objects written there could replace the code of a stack',
  },
  inboxBuckets: {
    inbox: 'its stack takes manifests from it already, and two would run each job',
    reports: 'the report of each job would start another',
    deployment: 'it holds the code of a stack, and no manifests',
  },
};

/** The parameter's value for a message: bounded, with the control characters of a terminal escaped. */
export const shown = (/** @type {string} */ value) =>
  JSON.stringify(value.length <= SHOWN_CHARACTERS ? value : `${value.slice(0, SHOWN_CHARACTERS)}…`).replace(
    /[^\x20-\x7e…]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/**
 * The entries of a parameter that is a list, separated by commas: without duplicates and empty ones.
 * @param {string} value
 */
export function entriesOf(value) {
  const entries = value.split(',').map((part) => part.trim());
  return [...new Set(entries.filter((part) => part !== ''))];
}

/**
 * A name for a bucket of the stack that is as long as the real one.
 * @param {string} kind `inbox`, `destination`, or `reports`
 * @param {Stack} stack
 */
export const ownBucketName = (kind, { service, stage, region }) =>
  `${service}-${stage}-${kind}-${ANY_ACCOUNT}-${region}`;

/**
 * Every name in the stack begins with service and stage. Bucket names have the strictest rule: no capitals, 63 characters at most.
 * The names of functions (64 characters), queues (80), topics and tables are shorter or may be longer: the template test has them all.
 * @param {Stack} stack
 * @param {string[]} faults
 */
export function checkStackNames(stack, faults) {
  for (const part of /** @type {const} */ (['service', 'stage'])) {
    const value = stack[part];
    const isLong = part === 'stage' && value.length > STAGE_CHARACTERS;
    if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value) && !isLong) continue;
    const better = value
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, part === 'stage' ? STAGE_CHARACTERS : value.length)
      .replace(/^-|-$/g, '');
    const most = part === 'stage' ? `1 to ${STAGE_CHARACTERS} ` : '';
    faults.push(
      `${part} is ${shown(value)}; it begins the names of buckets, which take ${most}lower-case letters, digits and hyphens` +
        (better === '' ? '' : `. Use ${shown(better)}`),
    );
  }
  if (!/^[a-z]+(-[a-z]+)+-\d+$/.test(stack.region)) {
    faults.push(`region is ${shown(stack.region)}; it takes the code of a region, such as eu-west-1`);
  }
  const longest = ownBucketName('destination', stack);
  const excess = longest.length - BUCKET_CHARACTERS;
  if (excess > 0 && stack.stage.length <= STAGE_CHARACTERS) {
    const most = stack.stage.length - excess;
    const remedy = most > 0 ? `a stage of at most ${most} characters` : 'a shorter service';
    faults.push(
      `stage ${shown(stack.stage)} of service ${shown(stack.service)} makes ${shown(longest)}, a bucket's name ` +
        `of ${BUCKET_CHARACTERS + excess} characters; S3 takes ${BUCKET_CHARACTERS}. Use ${remedy}`,
    );
  }
}

/**
 * @param {Parameter} parameter
 * @param {string} value buckets, separated by commas: `photos`, `photos@123456789012`, or for sources `photos@any`
 * @param {Stack} stack
 * @param {string[]} faults
 * @returns {string[]} the entries without duplicates
 */
export function bucketNames(parameter, value, stack, faults) {
  const once = entriesOf(value);
  for (const entry of once) {
    const { bucket } = ownedBucket(entry);
    const fault =
      notABucket(bucket) ?? notAnAccount(entry, parameter) ?? notForJobs(bucket, parameter, stack);
    const twice = once.filter((each) => ownedBucket(each).bucket === bucket);
    if (fault !== undefined) faults.push(`${parameter} holds ${shown(entry)}, ${fault}`);
    else if (twice.length > 1 && twice[0] === entry)
      faults.push(`${parameter} holds ${twice.map(shown).join(' and ')}: a bucket has one owner`);
  }
  return once;
}

/**
 * @param {string} entry of a list of buckets
 * @returns {{ bucket: string, account?: string }} without an account: the stack's own
 */
export function ownedBucket(entry) {
  const at = entry.indexOf('@');
  return at < 0 ? { bucket: entry } : { bucket: entry.slice(0, at), account: entry.slice(at + 1) };
}

/**
 * @param {string} entry
 * @param {Parameter} parameter
 */
function notAnAccount(entry, parameter) {
  const { account } = ownedBucket(entry);
  if (account === undefined) return undefined;
  if (parameter === 'inboxBuckets' || parameter === 'manifestBuckets')
    return "which names an owner: buckets of manifests lie in the stack's own account";
  if (/^\d{12}$/.test(account)) return undefined;
  if (account !== ANY_OWNER)
    return 'whose owner is no account. It takes BUCKET@ACCOUNT, with an id of 12 digits';
  return parameter === 'sourceBuckets'
    ? undefined
    : 'which would write to the bucket of any account: name its owner, BUCKET@ACCOUNT';
}

/** The ARN of a bucket, or of objects in it. */
export const arnOf = (/** @type {string} */ resource) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:s3:::${resource}`,
});

/** The ARNs of all objects in these buckets. */
export const objectsOf = (/** @type {string[]} */ buckets) => buckets.map((bucket) => arnOf(`${bucket}/*`));

/** @param {string} name */
function notABucket(name) {
  const [, fault] = NO_BUCKETS.find(([shape]) => shape.test(name)) ?? [];
  if (fault !== undefined || BUCKET_NAME.test(name)) return fault;
  return 'no name of a bucket. It takes names, or BUCKET@ACCOUNT, separated by commas: no ARN, no s3://, no wildcard';
}

/**
 * Finds buckets that no job may use: those of this stage, of other stages of the service, and of its deployment.
 * @param {string} name
 * @param {Parameter} parameter
 * @param {Stack} stack
 */
function notForJobs(name, parameter, { service, stage, deploymentBucket }) {
  const rest = name.startsWith(`${service}-`) ? name.slice(service.length) : '';
  const isOwn = rest.startsWith(`-${stage}-`);
  const [, kind] =
    /^-(?:[a-z0-9-]+-)?(inbox|reports)-\d{12}-[a-z0-9-]+$/.exec(rest) ??
    /^-(inbox|reports)-/.exec(isOwn ? rest.slice(stage.length + 1) : '') ??
    [];
  const whose = isOwn ? 'of this stack' : 'of another stage';
  const why = WHY_NOT[parameter];
  if (kind === 'inbox') return `the inbox ${whose}: ${why.inbox}`;
  if (kind === 'reports') return `the report bucket ${whose}: ${why.reports}`;
  // CloudFormation shortens the logical id ServerlessDeploymentBucket in the generated name.
  if (name === deploymentBucket || /-serverlessdeploymentbuck(et)?-[a-z0-9]+$/.test(name))
    return `a deployment bucket: ${why.deployment}`;
  return undefined;
}
