// Checks the names of buckets in serverless.yml's parameters: valid in S3, and not a bucket of this service itself.

/** Longest value of a parameter that a message shows. */
const SHOWN_CHARACTERS = 300;
const BUCKET_CHARACTERS = 63;
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

/** The parameter's value for a message: bounded, with the control characters of a terminal escaped. */
export const shown = (/** @type {string} */ value) =>
  JSON.stringify(value.length <= SHOWN_CHARACTERS ? value : `${value.slice(0, SHOWN_CHARACTERS)}…`).replace(
    /[^\x20-\x7e…]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A name for the stack's destination bucket that is as long as the real one. */
export const destinationName = (/** @type {Stack} */ { service, stage, region }) =>
  `${service}-${stage}-destination-${ANY_ACCOUNT}-${region}`;

/**
 * Every name in the stack begins with service and stage. Bucket names have the strictest rule: no capitals, 63 characters at most.
 * @param {Stack} stack
 * @param {string[]} faults
 */
export function checkStackNames(stack, faults) {
  for (const part of /** @type {const} */ (['service', 'stage'])) {
    const value = stack[part];
    if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value)) continue;
    const better = value
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
    faults.push(
      `${part} is ${shown(value)}; it begins the names of buckets, which take lower-case letters, digits and hyphens` +
        (better === '' ? '' : `. Use ${shown(better)}`),
    );
  }
  const excess = destinationName(stack).length - BUCKET_CHARACTERS;
  if (excess > 0) {
    const most = stack.stage.length - excess;
    const remedy = most > 0 ? `a stage of at most ${most} characters` : 'a shorter service';
    faults.push(
      `stage ${shown(stack.stage)} of service ${shown(stack.service)} makes ${shown(destinationName(stack))}, a bucket's name ` +
        `of ${BUCKET_CHARACTERS + excess} characters; S3 takes ${BUCKET_CHARACTERS}. Use ${remedy}`,
    );
  }
}

/**
 * @param {'sourceBuckets' | 'destinationBuckets' | 'manifestBuckets'} parameter
 * @param {string} value names, separated by commas
 * @param {Stack} stack
 * @param {string[]} faults
 * @returns {string[]} the names without duplicates
 */
export function bucketNames(parameter, value, stack, faults) {
  const names = value.split(',').map((part) => part.trim());
  const once = [...new Set(names.filter((part) => part !== ''))];
  const isSource = parameter !== 'destinationBuckets';
  for (const name of once) {
    const fault = notABucket(name) ?? notForJobs(name, isSource, stack);
    if (fault !== undefined) faults.push(`${parameter} holds ${shown(name)}, ${fault}`);
  }
  return once;
}

/** @param {string} name */
function notABucket(name) {
  for (const [shape, fault] of NO_BUCKETS) {
    if (shape.test(name)) return fault;
  }
  return BUCKET_NAME.test(name)
    ? undefined
    : 'no name of a bucket. It takes names separated by commas: no ARN, no s3://, no wildcard';
}

/**
 * Finds buckets that no job may use: those of this stage, of other stages of the service, and of its deployment.
 * @param {string} name
 * @param {boolean} isSource
 * @param {Stack} stack
 */
function notForJobs(name, isSource, { service, stage, deploymentBucket }) {
  const rest = name.startsWith(`${service}-`) ? name.slice(service.length) : '';
  const isOwn = rest.startsWith(`-${stage}-`);
  const [, kind] =
    /^-(?:[a-z0-9-]+-)?(inbox|reports)-\d{12}-[a-z0-9-]+$/.exec(rest) ??
    /^-(inbox|reports)-/.exec(isOwn ? rest.slice(stage.length + 1) : '') ??
    [];
  const whose = isOwn ? 'of this stack' : 'of another stage';
  if (kind === 'inbox') {
    return isSource
      ? `the inbox ${whose}: all who may drop a manifest could read the manifests of others`
      : `the inbox ${whose}: objects written there would start jobs`;
  }
  if (kind === 'reports') {
    return isSource
      ? `the report bucket ${whose}: all who may drop a manifest could read the reports of others`
      : `the report bucket ${whose}: objects written there would spoil jobs`;
  }
  // CloudFormation shortens the logical id ServerlessDeploymentBucket in the generated name.
  if (name === deploymentBucket || /-serverlessdeploymentbuck(et)?-[a-z0-9]+$/.test(name)) {
    return isSource
      ? 'a deployment bucket: all who may drop a manifest could read the code of a stack'
      : 'a deployment bucket: objects written there could replace the code of a stack';
  }
  return undefined;
}
