// What S3 refuses of a write's class, tags and encryption, with its own codes and messages.
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { s3Error } from './s3-answers.ts';

/** API reference, PutObject: without those of directory buckets, Outposts and Snow. */
const STORAGE_CLASSES = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
]);
const ENCRYPTIONS = new Set(['AES256', 'aws:kms', 'aws:kms:dsse']);
const KMS = 'x-amz-server-side-encryption-aws-kms-key-id';
const MAX_TAGS = 10;
const MAX_NAME = 128;
const MAX_VALUE = 256;
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** @throws S3Error */
export function refuseAttributes(headers: IncomingHttpHeaders): void {
  const storageClass = headers['x-amz-storage-class'];
  if (storageClass !== undefined && !STORAGE_CLASSES.has(String(storageClass)))
    throw s3Error(400, 'InvalidStorageClass', 'The storage class you specified is not valid');
  const encryption = headers['x-amz-server-side-encryption'];
  if (encryption !== undefined && !ENCRYPTIONS.has(String(encryption)))
    throw s3Error(400, 'InvalidArgument', 'The encryption method specified is not supported');
  if (headers[KMS] !== undefined && !isKms(headers))
    throw s3Error(
      400,
      'InvalidArgument',
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    );
  const tagging = headers['x-amz-tagging'];
  if (typeof tagging === 'string') refuseTags(tagging);
}

function isKms(headers: IncomingHttpHeaders): boolean {
  return String(headers['x-amz-server-side-encryption']).startsWith('aws:kms');
}

/** The MD5 of the bytes, but not where KMS encrypts them. (API reference, Object) */
export function etagOf(md5: string, headers: IncomingHttpHeaders): string {
  return isKms(headers) ? `"${randomBytes(16).toString('hex')}"` : `"${md5}"`;
}

/** Names and values, decoded. */
export function tagsIn(tagging: string): [name: string, value: string][] {
  return tagging === '' ? [] : [...new URLSearchParams(tagging)];
}

function refuseTags(tagging: string): void {
  const tags = tagsIn(tagging);
  if (tags.length > MAX_TAGS) throw s3Error(400, 'BadRequest', 'Object tags cannot be greater than 10');
  const names = new Set(tags.map(([name]) => name));
  if (names.size < tags.length)
    throw s3Error(400, 'InvalidTag', 'Cannot provide multiple Tags with the same key');
  for (const [name, value] of tags) {
    if (name === '' || [...name].length > MAX_NAME || !TAG_TEXT.test(name))
      throw s3Error(400, 'InvalidTag', 'The TagKey you have provided is invalid');
    if ([...value].length > MAX_VALUE || !TAG_TEXT.test(value))
      throw s3Error(400, 'InvalidTag', 'The TagValue you have provided is invalid');
  }
}
