// PutObject: a single PUT of up to 5 GiB.

import { etagOf, refuseAttributes } from './attribute-refusals.ts';
import { takeBody } from './body-intake.ts';
import { checksumHeader } from './checksums.ts';
import type { ObjectAction } from './object-action.ts';
import { letGoOfBody } from './object-body.ts';
import { propertiesFrom } from './object-properties.ts';
import { type ObjectChecksum, storedObject } from './stored-object.ts';

export const putObject: ObjectAction = async (
  { clock, objects, spool },
  { s3: { bucket, key }, request, assertConditions },
) => {
  objects.assertBucket(bucket);
  refuseAttributes(request.headers);
  const properties = propertiesFrom(request.headers);
  const { body, md5, checksum } = await takeBody(request, spool);
  const own: ObjectChecksum =
    checksum === undefined
      ? {}
      : {
          checksumAlgorithm: checksum.name,
          checksumValue: checksum.value,
          checksumType: 'FULL_OBJECT',
        };
  const object = storedObject(
    key,
    body,
    { ...properties, ...own, etag: etagOf(md5, request.headers) },
    clock.now(),
  );
  try {
    assertConditions();
    const touched = objects.write(bucket, object);
    return {
      status: 200,
      headers: {
        etag: object.etag,
        ...(checksum === undefined
          ? {}
          : { [checksumHeader(checksum.name)]: checksum.value, 'x-amz-checksum-type': 'FULL_OBJECT' }),
      },
      touched,
    };
  } catch (error) {
    letGoOfBody(body);
    throw error;
  }
};
