// The source of a copy: what its header names, and the digests of bytes that are copied.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { S3Error } from '../fauxqs-parts.ts';
import type { TakenBody } from './body-intake.ts';
import { type ChecksumName, createDigest } from './checksums.ts';
import { holdBody, letGoOfBody, type ObjectBody, readBody } from './object-body.ts';
import type { ObjectStore } from './object-store.ts';
import { asStored, type StoredObject } from './stored-object.ts';

/** Its version has moved into the key. @throws S3Error */
export function copySource(objects: ObjectStore, { headers }: IncomingMessage): StoredObject {
  const { bucket, key } = copySourceName(String(headers['x-amz-copy-source']));
  return asStored(objects.getObject(bucket, key));
}

/** @throws S3Error where it names no object */
function copySourceName(header: string): { bucket: string; key: string } {
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(decoded(header)) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key', 400);
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

function decoded(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    throw new S3Error('InvalidArgument', 'Invalid copy source encoding.', 400);
  }
}
