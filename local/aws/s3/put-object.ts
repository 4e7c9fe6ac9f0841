// PutObject: a single PUT of up to 5 GiB.

import { etagOf, refuseAttributes } from './attribute-refusals.ts';
import { takeBody } from './body-intake.ts';
import { checksumHeaders } from './checksums.ts';
import type { ObjectAction } from './object-action.ts';
import { letGoOfBody } from './object-body.ts';
import { propertiesFrom } from './object-properties.ts';
import { objectChecksum, storedObject } from './stored-object.ts';

export const putObject: ObjectAction = async (
  { clock, objects, spool },
  { s3: { bucket, key }, request, assertConditions },
) => {
  objects.assertBucket(bucket);
  refuseAttributes(request.headers);
  const properties = propertiesFrom(request.headers);
  const { body, md5, checksum } = await takeBody(request, spool);
  const etag = etagOf(md5, request.headers);
  const more = { ...properties, ...objectChecksum(checksum), etag };
  const type = checksum && { 'x-amz-checksum-type': 'FULL_OBJECT' };
  try {
    assertConditions();
    const touched = objects.write(bucket, storedObject(key, body, more, clock.now()));
    return { status: 200, headers: { etag, ...checksumHeaders(checksum), ...type }, touched };
  } catch (error) {
    letGoOfBody(body);
    throw error;
  }
};
