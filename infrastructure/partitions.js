// The partition of a region: the first part of the ARNs in it.

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
