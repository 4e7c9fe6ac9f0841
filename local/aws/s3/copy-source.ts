// The source of a copy: what its header names, and the digests of bytes that are copied.
import type { TakenBody } from './body-intake.ts';
import { type ChecksumName, createBodyDigests } from './checksums.ts';
import type { ObjectCall } from './object-action.ts';
import { holdBody, letGoOfBody, type ObjectBody, readBody } from './object-body.ts';
import type { ObjectStore } from './object-store.ts';
import { s3Error } from './s3-answers.ts';
import { decode } from './s3-requests.ts';
import type { StoredObject } from './stored-object.ts';

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
    throw s3Error(400, 'InvalidArgument', message);
  }
  return objects.read(s3.copySource);
}

/** Holds the bytes again, for a further object. @throws S3Error, and holds nothing then */
export async function digestedCopy(content: ObjectBody, name: ChecksumName | undefined): Promise<TakenBody> {
  const body = holdBody(content);
  try {
    const digests = createBodyDigests(name);
    for await (const chunk of readBody(body)) digests.update(chunk);
    return { body, ...digests.values() };
  } catch (error) {
    letGoOfBody(body);
    throw error;
  }
}
