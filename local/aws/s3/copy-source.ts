// The source of a copy: what its header names, and the digests of bytes that are copied.
import { createHash } from 'node:crypto';
import { S3Error } from '../fauxqs-parts.ts';
import type { TakenBody } from './body-intake.ts';
import { type ChecksumName, createDigest } from './checksums.ts';
import type { ObjectCall } from './object-action.ts';
import { holdBody, letGoOfBody, type ObjectBody, readBody } from './object-body.ts';
import type { ObjectStore } from './object-store.ts';
import { decode } from './s3-requests.ts';
import { asStored, type StoredObject } from './stored-object.ts';
import { keyWithVersion } from './versions.ts';

/** @throws S3Error */
export function copySource(
  objects: ObjectStore,
  { s3, request }: Pick<ObjectCall, 's3' | 'request'>,
): StoredObject {
  if (s3.copySource === undefined) {
    const isDecodable = decode(String(request.headers['x-amz-copy-source'])) !== undefined;
    const message = isDecodable
      ? 'Copy Source must mention the source bucket and key'
      : 'Invalid copy source encoding.';
    throw new S3Error('InvalidArgument', message, 400);
  }
  const { bucket, key, versionId } = s3.copySource;
  return asStored(objects.getObject(bucket, versionId === undefined ? key : keyWithVersion(key, versionId)));
}

/** Holds the bytes again, for a further object. @throws S3Error, and holds nothing then */
export async function digestedCopy(content: ObjectBody, name: ChecksumName | undefined): Promise<TakenBody> {
  const body = holdBody(content);
  try {
    const md5 = createHash('md5');
    const digest = name === undefined ? undefined : createDigest(name);
    for await (const chunk of readBody(body)) {
      md5.update(chunk);
      digest?.update(chunk);
    }
    return {
      body,
      md5: md5.digest('hex'),
      ...(name === undefined || digest === undefined ? {} : { checksum: { name, value: digest.value() } }),
    };
  } catch (error) {
    letGoOfBody(body);
    throw error;
  }
}
