// CreateMultipartUpload: keeps what the request says of the object until its parts are complete.
import type { IncomingHttpHeaders } from 'node:http';
import { refuseAttributes } from './attribute-refusals.ts';
import { type ChecksumName, type ChecksumType, checksumNamed, isCrc } from './checksums.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { propertiesFrom } from './object-properties.ts';
import { escapeXml, NAMESPACE, s3Error } from './s3-answers.ts';

export const createMultipartUpload: ObjectAction = (
  { clock, objects, uploads },
  { s3: { bucket, key }, request },
) => {
  objects.assertBucket(bucket);
  const { headers } = request;
  request.resume();
  refuseAttributes(headers);
  const checksum = checksumFrom(headers);
  const uploadId = uploads.begin({
    bucket,
    key,
    properties: propertiesFrom(headers),
    headers,
    initiatedAtMs: clock.now(),
    checksum,
  });
  return xmlAnswer(
    `<InitiateMultipartUploadResult ${NAMESPACE}>` +
      `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key><UploadId>${uploadId}</UploadId>` +
      '</InitiateMultipartUploadResult>',
    {
      headers: {
        ...(checksum && { 'x-amz-checksum-algorithm': checksum.name, 'x-amz-checksum-type': checksum.type }),
      },
    },
  );
};

/** Which types S3 allows for which checksum: user guide, "Checking object integrity". */
function checksumFrom(headers: IncomingHttpHeaders): { name: ChecksumName; type: ChecksumType } | undefined {
  const { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': asked } = headers;
  if (typeof algorithm !== 'string' || algorithm === '') return undefined;
  const name = checksumNamed(algorithm);
  const type = typeof asked === 'string' ? asked.toUpperCase() : undefined;
  if (type === undefined) return { name, type: name === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE' };
  const isAllowed = type === 'FULL_OBJECT' ? isCrc(name) : type === 'COMPOSITE' && name !== 'CRC64NVME';
  if (isAllowed) return { name, type: type as ChecksumType };
  throw s3Error(
    400,
    'InvalidRequest',
    `The checksum type ${type.slice(0, 32)} cannot be used with the checksum algorithm ${name}.`,
  );
}
