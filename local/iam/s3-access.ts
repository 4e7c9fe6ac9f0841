// What an S3 request needs to be allowed. (Service authorization reference, "Actions, resources, and condition keys for Amazon S3";
// S3 user guide, "Required permissions for Amazon S3 API operations")
import type { IncomingHttpHeaders } from 'node:http';
import { type ObjectPlace, placeOf, type S3Request } from '../aws/s3/s3-requests.ts';
import type { AccessRequest, Context } from './policy.ts';

/** Operations whose action has another name, or that need another permission than their own. */
const ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: 's3:GetObject',
  HeadBucket: 's3:ListBucket',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  GetObjectVersions: 's3:ListBucketVersions',
  GetMultipartUploads: 's3:ListBucketMultipartUploads',
  ListParts: 's3:ListMultipartUploadParts',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  CopyObject: 's3:PutObject',
  PostObject: 's3:PutObject',
  'GetObject-tagging': 's3:GetObjectTagging',
  'PutObject-tagging': 's3:PutObjectTagging',
};

/** Actions on a version have names of their own. */
const ACTIONS_ON_VERSIONS: Readonly<Record<string, string>> = {
  's3:GetObject': 's3:GetObjectVersion',
  's3:GetObjectTagging': 's3:GetObjectVersionTagging',
  's3:DeleteObject': 's3:DeleteObjectVersion',
};

/** What a request is known by in this cloud, beside what it says itself. */
export interface S3Place {
  region: string;
  accountId: string;
  /** The account that owns a bucket. */
  ownerOf(bucket: string): string;
  /** The key of KMS under which an object is stored. */
  keyOf(place: ObjectPlace): string | undefined;
}

const WRITE_TAGS = 's3:PutObjectTagging';
const COPIES = new Set(['CopyObject', 'UploadPartCopy']);

export function s3Access(request: S3Request, headers: IncomingHttpHeaders, place: S3Place): AccessRequest[] {
  const { bucket, key, operation, query } = request;
  // Its keys are in its body: deletionAccess.
  if (operation === 'DeleteObjects') return [];
  const action = onVersion(ACTIONS[operation] ?? `s3:${operation}`, query.has('versionId'));
  const prefix = query.get('prefix');
  const asked = [access(action, { bucket, key }, place, prefix === null ? {} : { 's3:prefix': [prefix] })];
  if (headers['x-amz-tagging'] !== undefined) asked.push(access(WRITE_TAGS, { bucket, key }, place));
  asked.push(...copyAccess(request, headers, place), ...keyAccess(request, headers, place));
  return asked;
}

/** What a list of objects to delete needs. @param body the XML of DeleteObjects */
export function deletionAccess(bucket: string, body: string, place: S3Place): AccessRequest[] {
  const keys = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);
  return keys.map((key) => access('s3:DeleteObject', { bucket, key }, place));
}

/** The object that a request reads; undefined where it reads none. */
export function readPlace(request: S3Request): ObjectPlace | undefined {
  const { operation, copySource } = request;
  if (COPIES.has(operation)) return copySource;
  return operation === 'GetObject' || operation === 'HeadObject' ? placeOf(request) : undefined;
}

/** What a form writes: its key is in its body. */
export function formAccess(bucket: string, key: string, place: S3Place): AccessRequest {
  return access('s3:PutObject', { bucket, key }, place);
}

/** S3 answers 404 for a missing object only where the caller may list its bucket, and else 403. */
export function listAccess(bucket: string, place: S3Place): AccessRequest {
  return access('s3:ListBucket', { bucket, key: '' }, place);
}

/** A copy of an object that has tags reads and writes them; S3 asks for both permissions in any case that we know of. */
function copyAccess(
  { bucket, key, operation, copySource }: S3Request,
  headers: IncomingHttpHeaders,
  place: S3Place,
): AccessRequest[] {
  if (!COPIES.has(operation) || copySource === undefined) return [];
  const isVersion = copySource.versionId !== undefined;
  const reading = access(onVersion('s3:GetObject', isVersion), copySource, place);
  if (operation === 'UploadPartCopy' || headers['x-amz-tagging-directive'] === 'REPLACE') return [reading];
  return [
    reading,
    access(onVersion('s3:GetObjectTagging', isVersion), copySource, place),
    access(WRITE_TAGS, { bucket, key }, place),
  ];
}

/** For an object, or with an empty key for a bucket. `aws:ResourceAccount` is the account of the bucket in both cases. */
function access(
  action: string,
  { bucket, key }: { bucket: string; key: string },
  { ownerOf }: S3Place,
  context: Context = {},
): AccessRequest {
  return {
    action,
    resource: key === '' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`,
    context: { ...context, 'aws:ResourceAccount': [ownerOf(bucket)] },
  };
}

/**
 * With a key of KMS, S3 asks the key in the caller's name: for a write, for each part of one, and for a read. A HEAD needs the
 * key only for the checksum. An alias names no key here: this cloud has none.
 */
function keyAccess(s3: S3Request, headers: IncomingHttpHeaders, place: S3Place): AccessRequest[] {
  const context = { 'kms:ViaService': [`s3.${place.region}.amazonaws.com`] };
  const ask = (action: string, key: string): AccessRequest[] =>
    key.includes('alias/') ? [] : [{ action, resource: keyArn(key, place), context }];
  const written = headers['x-amz-server-side-encryption-aws-kms-key-id'];
  const writes = typeof written === 'string' ? ask('kms:GenerateDataKey', written) : [];
  const isParted = s3.operation === 'CreateMultipartUpload' && typeof written === 'string';
  const read = readPlace(s3);
  const isHead = s3.operation === 'HeadObject' && headers['x-amz-checksum-mode'] === undefined;
  const key = read === undefined || isHead ? undefined : place.keyOf(read);
  return [
    ...writes,
    ...(isParted ? ask('kms:Decrypt', written) : []),
    ...(key === undefined ? [] : ask('kms:Decrypt', key)),
  ];
}

/** A key's id alone is of the caller's own account and of the bucket's region. */
function keyArn(key: string, { region, accountId }: S3Place): string {
  return key.startsWith('arn:') ? key : `arn:aws:kms:${region}:${accountId}:key/${key}`;
}

function onVersion(action: string, isVersion: boolean): string {
  return isVersion ? (ACTIONS_ON_VERSIONS[action] ?? action) : action;
}
