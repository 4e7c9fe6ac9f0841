// Every option of a job, once. Metadata, query strings, stored jobs, redrives, the command's flags and docs/options.md follow it.
// Plain data, from which option-values.ts makes its schemas: loading zod would slow every start of the command by a third.
import {
  BUCKET_KEY_CHOICES,
  ENCRYPTIONS,
  faultOfContentEncoding,
  faultOfContentType,
  faultOfHeader,
  faultOfKmsKey,
  IF_EXISTS,
  STORAGE_CLASS_CHOICES,
} from '../attributes/checks.ts';
import { CHECKSUM_ALGORITHMS } from '../attributes/object-attributes.ts';
import { faultOfMetadataText, faultOfTagsText } from '../attributes/text-pairs.ts';
import type { OptionTable } from './option-kinds.ts';

const DAY_SECONDS = 24 * 3600;

export const OPTIONS = {
  /** In jobs stored before a destination was always a folder, the prefix may end without a slash. */
  destination: {
    name: 'destination',
    kind: 'destination',
    description: 'where the objects go: a bucket that the deployment allows, and a folder in it',
  },
  spread: {
    name: 'spread',
    kind: 'spread',
    default: 'binary',
    description: "the hash before each key, which spreads the keys over S3's partitions",
  },
  keyTemplate: {
    name: 'key-template',
    kind: 'key template',
    default: '{key}',
    description: 'what the key of each object is made of; the spread is of the key that it makes',
  },
  stripPrefix: {
    name: 'strip-prefix',
    kind: 'key part',
    default: '',
    description:
      'what is removed from the start of each key before key-template sees it; a row whose key has another start is rejected',
  },
  stripSuffix: {
    name: 'strip-suffix',
    kind: 'key part',
    default: '',
    description: 'the same for the end of each key',
  },
  /** Without it, which of two rows is written last is chance. Jobs from before it wrote both. */
  duplicateKeys: {
    name: 'duplicate-keys',
    kind: 'choice',
    choices: ['reject', 'allow'],
    default: 'reject',
    storedDefault: 'allow',
    description:
      'whether a row that lands on the key of an earlier row of its slice is rejected, or written as well, in no order that is promised',
  },
  ifExists: {
    name: 'if-exists',
    kind: 'choice',
    choices: IF_EXISTS,
    default: 'overwrite',
    description: 'what happens where a key holds an object already',
  },
  /** From an item's first receive. SQS keeps messages for 10 days: the longest that can be promised is 9. */
  retryForSeconds: {
    name: 'retry-for-seconds',
    kind: 'whole number',
    unit: 'seconds',
    default: DAY_SECONDS,
    least: 1,
    most: 9 * DAY_SECONDS,
    description: 'how long an object that S3 refuses is tried again; pauses do not count',
  },
  deadlineSeconds: {
    name: 'deadline-seconds',
    kind: 'whole number',
    unit: 'seconds',
    default: 14 * DAY_SECONDS,
    least: 60,
    most: 90 * DAY_SECONDS,
    description:
      "time from the job's start until unfinished rows are booked as failed (Lost); pauses do not count",
  },
  /** S3 Batch Operations too stops a job of which half has failed after 1,000 rows. */
  maxFailedPercent: {
    name: 'max-failed-percent',
    kind: 'whole number',
    unit: 'percent',
    default: 50,
    least: 0,
    most: 100,
    description:
      'the job is stopped, and its rest cancelled, when more than this share of the ended rows has failed, or of the rows read is rejected; 100 never stops it',
  },
  maxFailedAfterRows: {
    name: 'max-failed-after-rows',
    kind: 'whole number',
    unit: 'rows',
    default: 1000,
    least: 1,
    most: 1_000_000_000,
    description: 'max-failed-percent counts once so many rows have ended, or are read',
  },
  /** Held by all workers of the job together (shared/pacing/job-rate.ts). */
  maxRatePerSecond: {
    name: 'max-rate-per-second',
    kind: 'whole number',
    unit: 'objects a second',
    default: 0,
    least: 0,
    most: 100_000,
    description: 'how many objects the job writes a second at most, with all its workers; 0 is no bound',
  },
  maxBytesPerSecond: {
    name: 'max-bytes-per-second',
    kind: 'whole number',
    unit: 'bytes a second',
    default: 0,
    least: 0,
    most: 9_999_999_999,
    description: 'how many bytes the job writes a second at most, with all its workers; 0 is no bound',
  },
  report: {
    name: 'report',
    kind: 'choice',
    choices: ['all', 'failures', 'none'],
    default: 'all',
    description:
      'the rows that the report lists: all, those that were not stored, or none; the counts are always there',
  },
  contentTypes: {
    name: 'content-types',
    kind: 'choice',
    choices: ['guess', 'none'],
    default: 'guess',
    description:
      'the type of an inline object for which neither its row nor its job has one: by the ending of its key, or S3 is told none',
  },
  contentType: {
    name: 'content-type',
    kind: 'text',
    takes: '1 to 256 printable ASCII characters',
    example: 'text/html',
    faultOf: faultOfContentType,
    description: 'the type of every object whose row has none; a copy then costs a HEAD of its source',
  },
  cacheControl: header('cache-control', 'max-age=86400'),
  contentDisposition: header('content-disposition', 'attachment'),
  contentEncoding: { ...header('content-encoding', 'gzip'), faultOf: faultOfContentEncoding },
  contentLanguage: header('content-language', 'en'),
  metadata: {
    name: 'metadata',
    kind: 'text',
    takes: 'NAME=VALUE&NAME=VALUE, percent-encoded',
    example: 'owner=web&origin=backfill',
    faultOf: faultOfMetadataText,
    description: 'user metadata; merged with that of the row by name; a copy then costs a HEAD of its source',
  },
  tags: {
    name: 'tags',
    kind: 'text',
    takes: 'NAME=VALUE&NAME=VALUE, percent-encoded',
    example: 'team=web&cost-center=12',
    faultOf: faultOfTagsText,
    description: "tags, 10 at most; merged with the row's by name; a copy has these in place of its source's",
  },
  storageClass: {
    name: 'storage-class',
    kind: 'choice',
    choices: STORAGE_CLASS_CHOICES,
    description: "the storage class; source keeps that of a copy's source, which costs a HEAD of it",
  },
  encryption: {
    name: 'encryption',
    kind: 'choice',
    choices: ENCRYPTIONS,
    description: "the encryption; without it the bucket's default counts",
  },
  kmsKey: {
    name: 'kms-key',
    kind: 'text',
    takes: 'a key id, alias/NAME, or the ARN of either',
    example: 'alias/exports',
    faultOf: faultOfKmsKey,
    description: "the key of encryption aws:kms; without it the account's aws/s3",
  },
  bucketKey: {
    name: 'bucket-key',
    kind: 'choice',
    choices: BUCKET_KEY_CHOICES,
    description: "whether encryption aws:kms uses a bucket key; without it the bucket's default counts",
  },
  checksumAlgorithm: {
    name: 'checksum-algorithm',
    kind: 'choice',
    choices: CHECKSUM_ALGORITHMS,
    description: "the object's checksum; without it CRC32, and of a copy its source's",
  },
} as const satisfies OptionTable;

function header<Name extends string>(name: Name, example: string) {
  return {
    name,
    kind: 'text',
    takes: '1 to 1,024 printable ASCII characters',
    example,
    faultOf: faultOfHeader,
    description: `the ${name} of every object whose row has none; a copy then costs a HEAD of its source`,
  } as const;
}
