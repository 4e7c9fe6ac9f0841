// Checks the keys of KMS in the parameters, and says what the functions may do with them.
import { entriesOf, shown } from './bucket-names.js';
import { partitionOf } from './partitions.js';

/** A key's ARN; replicas of a multi-region key have ids that begin with mrk-. */
const KEY_ARN =
  /^arn:([a-z-]+):kms:([a-z0-9-]+):\d{12}:key\/([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;

/**
 * @param {string} parameter
 * @param {string} value ARNs of keys, separated by commas
 * @param {import('./bucket-names.js').Stack} stack
 * @param {string[]} faults
 * @returns {string[]} the ARNs without duplicates
 */
export function keyArns(parameter, value, { region }, faults) {
  const once = entriesOf(value);
  for (const key of once) {
    const [, partition] = KEY_ARN.exec(key) ?? [];
    const fault = partition === undefined ? notAKey(key) : notIn(region, partition);
    if (fault !== undefined) faults.push(`${parameter} holds ${shown(key)}, ${fault}`);
  }
  return once;
}

/** @param {string} key */
function notAKey(key) {
  return /(^|:)alias\//.test(key)
    ? 'an alias. A policy names a key by its own ARN alone, since an alias may be moved to another key: take what ' +
        '"aws kms describe-key --key-id ALIAS --query KeyMetadata.Arn" prints'
    : 'no ARN of a key of KMS. It takes arn:aws:kms:REGION:ACCOUNT:key/ID, several separated by commas';
}

/**
 * @param {string} region
 * @param {string} partition
 */
function notIn(region, partition) {
  return partition === partitionOf(region)
    ? undefined
    : `a key of the partition ${partition}, which a stack in ${region} can't use`;
}

/**
 * The use of exactly these keys, and only by S3 in the caller's name. S3 uses a key in the region of its bucket, which is the
 * key's region. (KMS developer guide, "kms:ViaService")
 * @param {readonly string[]} actions
 * @param {readonly string[]} keys
 * @returns {object[]} no statement without keys: a policy with an empty list of resources is refused
 */
export function keyStatements(actions, keys) {
  if (keys.length === 0) return [];
  const services = new Set(keys.map((key) => key.split(':')[3] ?? '').flatMap(servicesIn));
  return [
    {
      Effect: 'Allow',
      Action: actions,
      Resource: keys,
      Condition: { StringEquals: { 'kms:ViaService': [...services] } },
    },
  ];
}

/** In China the name has the domain of AWS's endpoints there; the general form costs nothing beside it. */
const servicesIn = (/** @type {string} */ region) => [
  `s3.${region}.amazonaws.com`,
  ...(region.startsWith('cn-') ? [`s3.${region}.amazonaws.com.cn`] : []),
];
