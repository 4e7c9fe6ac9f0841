// CopyObject: a further object on the same bytes, which are not copied.

import { etagOf, refuseAttributes } from './attribute-refusals.ts';
import { MAX_BODY_BYTES, type TakenBody } from './body-intake.ts';
import { checksumNamed, checksumXml } from './checksums.ts';
import { copySource, digestedCopy } from './copy-source.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { holdBody, letGoOfBody } from './object-body.ts';
import { propertiesFrom } from './object-properties.ts';
import { escapeXml, s3Error } from './s3-answers.ts';
import {
  asS3Object,
  checksumOf,
  objectChecksum,
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
    throw s3Error(
      400,
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_BODY_BYTES}`,
    );
  }
  const isReplaced = headers['x-amz-metadata-directive'] === 'REPLACE';
  const properties = isReplaced ? propertiesFrom(headers) : propertiesOf(source);
  const tags = headers['x-amz-tagging-directive'] === 'REPLACE' ? headers['x-amz-tagging'] : source.tagging;
  const { body, md5, checksum } = await copied(source, headers['x-amz-checksum-algorithm']);
  const etag = etagOf(md5, headers);
  const more = { ...properties, ...objectChecksum(checksum), tagging: String(tags ?? ''), etag };
  const object = storedObject(key, body, more, clock.now());
  const type = checksum === undefined ? '' : '<ChecksumType>FULL_OBJECT</ChecksumType>';
  try {
    assertConditions(source);
    const touched = objects.write(bucket, object);
    return xmlAnswer(
      `<CopyObjectResult><ETag>${escapeXml(etag)}</ETag><LastModified>${object.lastModified.toISOString()}</LastModified>` +
        `${type}${checksumXml(checksum)}</CopyObjectResult>`,
      { touched, source: asS3Object(source) },
    );
  } catch (error) {
    letGoOfBody(body);
    throw error;
  }
};

/** A copy is one part: the ETag of a multipart upload and the checksum over its parts are not the copy's. */
async function copied(source: StoredObject, algorithm: string | string[] | undefined): Promise<TakenBody> {
  const own = checksumOf(source);
  const name = typeof algorithm === 'string' && algorithm !== '' ? checksumNamed(algorithm) : own?.name;
  if (own?.type === 'COMPOSITE' || own?.name !== name || source.parts !== undefined) {
    return await digestedCopy(source.content, name);
  }
  return { body: holdBody(source.content), md5: source.etag.replaceAll('"', ''), checksum: own };
}
