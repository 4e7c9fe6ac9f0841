// Reads a function's configuration from the environment variables that serverless.yml sets. Each function declares its
// variables in the configuration.ts of its folder, with a field of this file for each.
//
// No schema of zod: building it alone took 1.4 ms of CPU in every cold start of upload.
import { BLOCK_ROWS } from '../../shared/job/identity.ts';
import { isBucketName } from '../../shared/keys/bucket-name.ts';
import { parseOwnedBucket } from '../../shared/keys/owned-bucket.ts';
import { boundedName } from '../../shared/text/bounded.ts';
import { isHostPattern } from '../../shared/text/host-name.ts';

/** The longest timeout of a Lambda function. */
const MAX_TIMEOUT_SECONDS = 900;
const MAX_REPORT_DAYS = 3650;
/** The longest visibility timeout that SQS takes: 12 hours. */
const MAX_HIDDEN_SECONDS = 43_200;

export interface Variable<Value> {
  /** What the fault of a wrong value says that the variable takes. */
  takes: string;
  /** @returns undefined for a wrong value */
  parse: (text: string) => Value | undefined;
}

export type Variables = Readonly<Record<string, Variable<unknown>>>;

/** The values of declared variables, by their names. */
export type Configuration<Declared extends Variables> = {
  [Name in keyof Declared]: Declared[Name] extends Variable<infer Value> ? Value : never;
};

function variable<Value>(takes: string, parse: Variable<Value>['parse']): Variable<Value> {
  return { takes, parse };
}

export const bucket = variable('the name of a bucket', (text) => (isBucketName(text) ? text : undefined));

/** Buckets with their owners, separated by commas. It may be empty. */
export const bucketList = variable(
  'names of buckets, such as photos or photos@ACCOUNT, separated by commas',
  listOf(parseOwnedBucket),
);

/** The id of the stack's own account. */
export const account = variable('the id of an account, of 12 digits', matching(/^\d{12}$/));

/** ARNs of keys of KMS, separated by commas. It may be empty. */
export const keyList = variable(
  'ARNs of keys of KMS, separated by commas',
  listOf(matching(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[a-z0-9-]{36}$/)),
);

/** Patterns of host names, separated by commas. It may be empty. */
export const hostList = variable(
  'names of hosts, such as files.example.com or *.example.com, separated by commas',
  listOf((host) => (isHostPattern(host) ? host : undefined)),
);

export const table = variable('the name of a table', matching(/^[\w.-]{3,255}$/));

export const queueUrl = variable('the URL of a queue', matching(/^https?:\/\/[^\s/]+\/\S+$/));

/** The name or the ARN of an EventBridge bus. */
export const eventBus = variable('the name of an event bus', matching(/^[\w.:/-]{1,1600}$/));

/**
 * A whole number in decimal digits. `Number` alone would also read an empty text, as zero, and `0x10`.
 * @param most at least `least`, which is not negative
 */
export const wholeNumber = (least: number, most: number) =>
  variable(`a whole number from ${least} to ${most}`, (text) => numberOf(text, least, most));

export const yesOrNo = variable('true or false', (text) =>
  text === 'true' || text === 'false' ? text === 'true' : undefined,
);

/** Bytes of a slice, and rows of a block, of new jobs: as infrastructure/parameters.js allows. */
export const sliceBytes = wholeNumber(1, 1024 ** 3);
export const blockRows = wholeNumber(1, BLOCK_ROWS);

/** How many days outcomes and dead letters are kept: ten years at most, as infrastructure/parameters.js allows. */
export const reportDays = wholeNumber(1, MAX_REPORT_DAYS);

/** The timeout of upload in seconds. */
export const uploadSeconds = wholeNumber(1, MAX_TIMEOUT_SECONDS);

/** Seconds until a failed message is received again, by its receive count. */
export const retrySeconds = variable(
  `whole numbers of seconds from 0 to ${MAX_HIDDEN_SECONDS}, separated by commas`,
  (text) => {
    const seconds = listOf((part) => numberOf(part, 0, MAX_HIDDEN_SECONDS))(text);
    return seconds?.length === 0 ? undefined : seconds;
  },
);

/** @throws Error that names every variable with a fault, not the first alone */
export function readConfiguration<Declared extends Variables>(
  variables: Declared,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Configuration<Declared> {
  const read = Object.entries(variables).map(([name, variable]) => {
    const text = environment[name];
    const value = text === undefined ? undefined : variable.parse(text);
    return { name, value, fault: value === undefined ? faultOf(text, variable) : undefined };
  });
  const faults = read.flatMap(({ name, fault }) => (fault === undefined ? [] : [`${name} ${fault}`]));
  if (faults.length > 0)
    throw new Error(`environment variables, which serverless.yml sets: ${faults.join('; ')}`);
  return Object.fromEntries(read.map(({ name, value }) => [name, value])) as Configuration<Declared>;
}

function faultOf(text: string | undefined, { takes }: Variable<unknown>): string {
  if (text === undefined) return 'is missing';
  return `${text === '' ? 'is empty' : `is "${boundedName(text)}"`}: it takes ${takes}`;
}

function matching(shape: RegExp): (text: string) => string | undefined {
  return (text) => (shape.test(text) ? text : undefined);
}

function numberOf(text: string, least: number, most: number): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= least && value <= most ? value : undefined;
}

/** Values separated by commas; none is a list too. */
function listOf<Value>(parse: Variable<Value>['parse']): Variable<Value[]>['parse'] {
  return (text) => {
    const parts = text.split(',').map((part) => part.trim());
    const values = parts.filter((part) => part !== '').map(parse);
    return values.every((value) => value !== undefined) ? values : undefined;
  };
}
