// The parameters of the stack, as one table. Defaults, checks, settings and docs/parameters.md come from it.
//
//   npx serverless deploy --param="sourceBuckets=photos,archive"
//
// A new parameter needs its entry here alone. Its value is then ${self:custom.settings.NAME} in serverless.yml.

import { CONCURRENCY_BOUNDS } from './in-flight.js';

/** @typedef {'arriving' | 'copying' | 'fleet' | 'ledger' | 'keeping' | 'watching'} Topic */

/**
 * What all parameters have. `about` says what it is, `bounds` what it costs, limits, or is limited by. Without a default it is empty.
 * @typedef {{ topic: Topic, about: string, bounds?: string, default?: string | number }} Described
 */

/**
 * @typedef {object} Shape
 * @property {RegExp} pattern of the whole value; an empty value is none, and is not held to it
 * @property {string} takes what a good value is, after "it takes"
 */

/**
 * @typedef {Described & { kind: 'whole number', default: number, lowest: number, highest: number,
 *   values?: readonly number[] }} NumberParameter
 * @typedef {Described & { kind: 'whole number or none', lowest: number, highest: number,
 *   values?: undefined }} OptionalNumberParameter
 * @typedef {Described & { kind: 'boolean', default: 'true' | 'false' }} BooleanParameter
 * @typedef {Described & { kind: 'list', of: 'buckets' | 'hosts' | 'keys' | 'topics' }} ListParameter
 * @typedef {Described & { kind: 'text' } & Shape} TextParameter
 * @typedef {NumberParameter | OptionalNumberParameter | BooleanParameter | ListParameter | TextParameter} Parameter
 */

/** The values that CloudWatch Logs accepts. */
const LOG_RETENTION_DAYS = /** @type {const} */ ([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);

/**
 * @satisfies {Record<string, Parameter>}
 */
export const PARAMETERS = /** @type {const} */ ({
  inboxBuckets: {
    kind: 'list',
    of: 'buckets',
    topic: 'arriving',
    about:
      'Existing buckets of this account and region whose new objects are manifests too. How to connect one: docs/operations.md.',
    bounds: 'Everyone who may write to one of them can start jobs. 10 of them at most, with 700 characters.',
  },
  inboxTopics: {
    kind: 'list',
    of: 'topics',
    topic: 'arriving',
    about:
      'ARNs of SNS topics that announce new objects of these buckets: the ingest queue subscribes to them.',
    bounds: '10 of them at most, in the region of the stack.',
  },
  manifestBuckets: {
    kind: 'list',
    of: 'buckets',
    topic: 'arriving',
    about: 'Buckets of this account, besides the inbox, in which requests to the API may name a manifest.',
    bounds: 'Everyone who may call the API can have the manifests there read. 10 of them at most.',
  },
  apiRatePerSecond: {
    // The quota of an account and region of API Gateway is 10,000 a second, 5,000 at once.
    kind: 'whole number',
    topic: 'arriving',
    default: 50,
    lowest: 1,
    highest: 10_000,
    about: 'Requests a second that the API takes of all its callers together.',
    bounds: 'More are answered with 429.',
  },
  apiBurst: {
    kind: 'whole number',
    topic: 'arriving',
    default: 100,
    lowest: 1,
    highest: 5000,
    about: 'How many of them at once.',
  },
  jwtIssuer: {
    kind: 'text',
    topic: 'arriving',
    // Its parts are looked at in api-authorizer.js.
    pattern: /^\S+$/,
    takes: "the issuer's https:// address, as its tokens have it in iss",
    about: 'The issuer of JSON Web Tokens that callers of the API need one from. Without it, IAM decides.',
    bounds: 'Together with `jwtAudience`.',
  },
  jwtAudience: {
    kind: 'text',
    topic: 'arriving',
    pattern: /^[^\n]+$/,
    takes: 'audiences without spaces, separated by commas',
    about: 'The audience of these tokens, or several, separated by commas.',
    bounds: 'Together with `jwtIssuer`.',
  },
  jwtScopes: {
    kind: 'text',
    topic: 'arriving',
    pattern: /^[^\n]+$/,
    takes: 'scopes without spaces and quotes, separated by commas',
    about:
      'Scopes of which these tokens need one. Without any, every token for the audience may call every route.',
    bounds: 'Together with `jwtIssuer`.',
  },

  sourceBuckets: {
    kind: 'list',
    of: 'buckets',
    topic: 'copying',
    about:
      "Buckets that manifests may copy from. One of another account has its owner's id behind it, `photos@123456789012`, and " +
      '`photos@any` where the owner is not known, as with a public data set.',
    bounds:
      'Everyone who may write to the inbox can read them through upload. Both lists of buckets together hold about 150 names of 10 ' +
      'characters, or 45 of 60. For more buckets deploy a second stage.',
  },
  sourceHosts: {
    kind: 'list',
    of: 'hosts',
    topic: 'copying',
    about:
      'Hosts that manifests may read from by https: `files.example.com`, or `*.example.com` for every name below it.',
    bounds: 'Everyone who may write to the inbox can read them through upload.',
  },
  destinationBuckets: {
    kind: 'list',
    of: 'buckets',
    topic: 'copying',
    about:
      "Existing buckets that manifests may write to, besides the stack's own destination. One of another account has its " +
      "owner's id behind it, `photos@123456789012`.",
    bounds: 'Everyone who may write to the inbox can write to them through upload.',
  },
  kmsKeys: {
    kind: 'list',
    of: 'keys',
    topic: 'copying',
    about:
      'Keys of KMS under which upload may write and read objects, and ingest may read manifests. Needed where a job, a row or a ' +
      "bucket's default names one.",
    bounds:
      "The key's own policy must allow the roles too. KMS bills each request, unless the bucket uses a bucket key.",
  },
  multipartCopyBytes: {
    // From S3's least part to the most that CopyObject takes.
    kind: 'whole number',
    topic: 'copying',
    default: 268_435_456,
    lowest: 5_242_880,
    highest: 5_368_709_120,
    about: 'Bytes above which an object of a source bucket is copied in parts.',
    bounds: 'CopyObject answers only when it is done. Each part is a request that S3 bills.',
  },
  requesterPays: {
    kind: 'boolean',
    topic: 'copying',
    default: 'false',
    about: 'Whether this account pays for requests to source buckets of which the requester pays.',
    bounds: 'Such buckets bill this account for requests and for data that leaves their region.',
  },

  maximumConcurrency: {
    kind: 'whole number',
    topic: 'fleet',
    default: 10,
    lowest: CONCURRENCY_BOUNDS[0],
    highest: CONCURRENCY_BOUNDS[1],
    about: 'Most upload functions that run at the same time.',
    bounds:
      "Each limits its own rate; this limits the fleet. With `batchSize` it bounds the messages in flight: SQS's quota is 120,000.",
  },
  ingestConcurrency: {
    kind: 'whole number',
    topic: 'fleet',
    default: 4,
    lowest: 2,
    highest: 1000,
    about: 'The same for ingest.',
    bounds: 'With few slices at a time, few interleave in the upload queue.',
  },
  settleConcurrency: {
    kind: 'whole number',
    topic: 'fleet',
    default: 4,
    lowest: 2,
    highest: 1000,
    about: 'The same for settle.',
  },
  accountConcurrency: {
    // From the sum of the least that each function takes to far above the largest quotas that AWS grants.
    kind: 'whole number',
    topic: 'fleet',
    default: 1000,
    lowest: 10,
    highest: 1_000_000,
    about:
      'Lambda concurrency of the account that this stage may use: all its functions together must fit in it.',
    bounds: 'New accounts have about 10 (docs/operations.md, "A new account"), others 1,000.',
  },
  batchSize: {
    kind: 'whole number',
    topic: 'fleet',
    default: 100,
    lowest: 1,
    highest: 10_000,
    about: 'Messages in one batch of an upload function.',
    bounds:
      'A worker may have returned 60 more that are still in flight: that sum, times `maximumConcurrency`, must stay below 110,000.',
  },

  sliceBytes: {
    kind: 'whole number',
    topic: 'ledger',
    default: 8_388_608,
    lowest: 65_536,
    highest: 1_073_741_824,
    about: 'Bytes of a slice, approximately: the part of a manifest that one invocation of ingest reads.',
  },
  blockRows: {
    kind: 'whole number',
    topic: 'ledger',
    default: 2_000,
    lowest: 1,
    highest: 2_000,
    about: 'Rows of a block, which is one row in the ledger. A job with a rate has blocks of 500 at most.',
    bounds: 'DynamoDB bills a write by the whole row: a block of 2,000 stays within 1 KB, one write unit.',
  },
  replayIdleSeconds: {
    kind: 'whole number',
    topic: 'ledger',
    default: 300,
    lowest: 60,
    highest: 86_400,
    about:
      'Sweep sends a slice again when it made no progress for this long and the queues of ingest and upload are empty.',
  },
  replayBusySeconds: {
    kind: 'whole number',
    topic: 'ledger',
    default: 21_600,
    lowest: 600,
    highest: 864_000,
    about:
      'The same when those queues hold messages, since the slice may wait behind others. The time doubles with each replay.',
  },
  ledgerWarmReads: {
    // The lowest is what an on-demand table starts with: DynamoDB refuses less (developer guide, "Warm throughput"). The highest
    // is ten times the default quota of a table, 40,000.
    kind: 'whole number or none',
    topic: 'ledger',
    lowest: 12_000,
    highest: 400_000,
    about:
      'Read units a second that the ledger takes at once, for jobs of a billion rows. Without it DynamoDB starts at 12,000.',
    bounds: 'DynamoDB bills it once, and does not lower it.',
  },
  ledgerWarmWrites: {
    kind: 'whole number or none',
    topic: 'ledger',
    lowest: 4_000,
    highest: 400_000,
    about: 'The same for write units. Without it DynamoDB starts at 4,000.',
    bounds: 'DynamoDB bills it once, and does not lower it.',
  },

  logRetentionDays: {
    kind: 'whole number',
    topic: 'keeping',
    default: 30,
    lowest: 1,
    highest: 3653,
    values: LOG_RETENTION_DAYS,
    about: 'Days that CloudWatch Logs keeps the logs of the functions.',
    bounds: 'CloudWatch bills what it stores.',
  },
  reportDays: {
    // A job's default deadline is 14 days, and it reads its outcomes and its manifest until it ends.
    kind: 'whole number',
    topic: 'keeping',
    default: 100,
    lowest: 15,
    highest: 3650,
    about:
      'Days that outcomes, the text of converted manifests and dead letters are kept. Reports are not deleted.',
    bounds:
      'A job needs them until it ends: one whose `deadline-seconds` leaves less than a day of them is refused. Pauses are not counted. ' +
      'A lower value holds for files of running jobs too: let those end first.',
  },
  manifestDays: {
    kind: 'whole number',
    topic: 'keeping',
    default: 30,
    lowest: 15,
    highest: 3650,
    about: 'Days that overwritten or deleted versions of a manifest are kept.',
    bounds: 'A job reads the version that it started with.',
  },

  oldestMessageSeconds: {
    kind: 'whole number',
    topic: 'watching',
    default: 21_600,
    lowest: 60,
    highest: 864_000,
    about: "Age of a queue's oldest message that raises an alarm where nothing ends.",
    bounds: 'A repost is a new message: throttling raises no alarm.',
  },
  alarmEmail: {
    kind: 'text',
    topic: 'watching',
    // Only what is plainly no address: AWS sends a message to it, which has to be confirmed.
    pattern: /^[^\s@,]{1,64}@[^\s@,]{1,255}$/,
    takes: 'one e-mail address',
    about: "Address that is subscribed to the stack's topic of alarms. AWS asks it to confirm.",
  },
  alarmTopicArn: {
    kind: 'text',
    topic: 'watching',
    pattern: /^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(?:\.fifo)?$/,
    takes: 'the ARN of an SNS topic, not of a subscription',
    about: "An existing SNS topic that alarms notify in place of the stack's own.",
    bounds: 'In the region of the stack. Not together with `alarmEmail`.',
  },
  tracing: {
    kind: 'boolean',
    topic: 'watching',
    default: 'false',
    about: 'Whether Lambda traces the functions by X-Ray.',
    bounds: 'X-Ray bills by the trace.',
  },
});

/** @typedef {typeof PARAMETERS} Table */
/** @typedef {keyof Table} ParameterName */

/**
 * The names of one kind of parameters.
 * @template {Parameter['kind']} Kind
 * @typedef {{ [Name in ParameterName]: Table[Name]['kind'] extends Kind ? Name : never }[ParameterName]} NamesOf
 */

/** `params.default` of serverless.yml. */
export const defaults = Object.fromEntries(
  Object.entries(/** @type {Record<string, Parameter>} */ (PARAMETERS)).map(
    ([name, { default: usual = '' }]) => [name, usual],
  ),
);
