// CopyObject: a further object on the same bytes, which are not copied.

import { S3Error } from '../fauxqs-parts.ts';
import { etagOf, refuseAttributes } from './attribute-refusals.ts';
import { MAX_BODY_BYTES } from './body-intake.ts';
import { checksumNamed } from './checksums.ts';
import { copySource, digestedCopy } from './copy-source.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { holdBody, letGoOfBody } from './object-body.ts';
import { propertiesFrom } from './object-properties.ts';
import { escapeXml } from './s3-answers.ts';
import {
  asS3Object,
  checksumOf,
  type ObjectChecksum,
  propertiesOf,
  type StoredObject,
  storedObject,
} from './stored-object.ts';

export const copyObject: ObjectAction = async ({ clock, objects }, { s3, request, assertConditions }) => {
  const { bucket, key } = s3;
  const { headers } = request;
  objects.assertBucket(bucket);
  request.resume();
  refuseAttributes(headers);
  const source = copySource(objects, { s3, request });
  if (source.contentLength > MAX_BODY_BYTES) {
    throw new S3Error(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_BODY_BYTES}`,
      400,
    );
  }
  const isReplaced = headers['x-amz-metadata-directive'] === 'REPLACE';
  const properties = isReplaced ? propertiesFrom(headers) : propertiesOf(source);
  const tags = headers['x-amz-tagging-directive'] === 'REPLACE' ? headers['x-amz-tagging'] : source.tagging;
  const { content, md5, checksum } = await copied(source, headers['x-amz-checksum-algorithm']);
  const etag = etagOf(md5, headers);
  const object = storedObject(
    key,
    content,
    { ...properties, ...checksum, tagging: String(tags ?? ''), etag },
    clock.now(),
  );
  try {
    assertConditions(source);
    const touched = objects.write(bucket, object);
    return xmlAnswer(
      `<CopyObjectResult><ETag>${escapeXml(etag)}</ETag><LastModified>${object.lastModified.toISOString()}</LastModified>` +
        `${checksumXml(checksum)}</CopyObjectResult>`,
      { touched, source: asS3Object(source) },
    );
  } catch (error) {
    letGoOfBody(content);
    throw error;
  }
};

/** A copy is one part: the ETag of a multipart upload and the checksum over its parts are not the copy's. */
async function copied(source: StoredObject, algorithm: string | string[] | undefined) {
  const own = checksumOf(source);
  const name =
    typeof algorithm === 'string' && algorithm !== '' ? checksumNamed(algorithm) : own.checksumAlgorithm;
  const keepsChecksum = own.checksumType !== 'COMPOSITE' && own.checksumAlgorithm === name;
  if (keepsChecksum && source.parts === undefined) {
    return { content: holdBody(source.content), md5: source.etag.replaceAll('"', ''), checksum: own };
  }
  const taken = await digestedCopy(source.content, name);
  const checksum = taken.checksum === undefined ? {} : fullObject(taken.checksum.name, taken.checksum.value);
  return { content: taken.body, md5: taken.md5, checksum };
}

function fullObject(
  checksumAlgorithm: NonNullable<ObjectChecksum['checksumAlgorithm']>,
  checksumValue: string,
): ObjectChecksum {
  return { checksumAlgorithm, checksumValue, checksumType: 'FULL_OBJECT' };
}

function checksumXml({ checksumAlgorithm: name, checksumValue, checksumType }: ObjectChecksum): string {
  if (name === undefined) return '';
  return `<ChecksumType>${checksumType}</ChecksumType><Checksum${name}>${checksumValue}</Checksum${name}>`;
}
