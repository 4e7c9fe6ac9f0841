// ListParts and ListMultipartUploads: what an upload has so far, and which uploads of a bucket are open.

import { checksumXml } from './checksums.ts';
import type { MultipartUploads, Part } from './multipart-uploads.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { escapeXml, NAMESPACE } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';

/** S3 user guide, "Amazon S3 multipart upload limits". */
const PAGE = 1_000;

export const listParts: ObjectAction = ({ uploads }, { s3, request }) => {
  request.resume();
  const { query } = s3;
  const { bucket, key, uploadId, checksum, parts } = uploads.find(s3);
  const after = Number(query.get('part-number-marker') ?? 0);
  const most = pageOf(query.get('max-parts'));
  const left = [...parts].filter(([partNumber]) => partNumber > after).toSorted(([a], [b]) => a - b);
  const page = left.slice(0, most);
  return xmlAnswer(
    `<ListPartsResult ${NAMESPACE}><Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key>` +
      `<UploadId>${uploadId}</UploadId><PartNumberMarker>${after}</PartNumberMarker>` +
      `<NextPartNumberMarker>${page.at(-1)?.[0] ?? 0}</NextPartNumberMarker><MaxParts>${most}</MaxParts>` +
      `<IsTruncated>${page.length < left.length}</IsTruncated>` +
      (checksum === undefined
        ? ''
        : `<ChecksumAlgorithm>${checksum.name}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`) +
      `${page.map(partXml).join('')}</ListPartsResult>`,
  );
};

function partXml([partNumber, { md5, body, lastModifiedMs, checksum }]: [number, Part]): string {
  return (
    `<Part><PartNumber>${partNumber}</PartNumber><LastModified>${new Date(lastModifiedMs).toISOString()}</LastModified>` +
    `<ETag>&quot;${md5}&quot;</ETag><Size>${body.sizeBytes}</Size>${checksumXml(checksum)}</Part>`
  );
}

export function uploadsXml(uploads: MultipartUploads, { bucket, query }: S3Request): string {
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const most = pageOf(query.get('max-uploads'));
  const all = uploads.list(bucket).filter(({ key }) => key.startsWith(prefix));
  const marked = all.findIndex(({ key, uploadId }) => key === keyMarker && uploadId === idMarker);
  const left =
    marked >= 0 ? all.slice(marked + 1) : all.filter(({ key }) => keyMarker === '' || key > keyMarker);
  const page = left.slice(0, most);
  const last = page.at(-1);
  const listed = page.map(
    ({ key, uploadId, initiatedAtMs, headers }) =>
      `<Upload><Key>${escapeXml(key)}</Key><UploadId>${uploadId}</UploadId>` +
      `<StorageClass>${escapeXml(String(headers['x-amz-storage-class'] ?? 'STANDARD'))}</StorageClass>` +
      `<Initiated>${new Date(initiatedAtMs).toISOString()}</Initiated></Upload>`,
  );
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<ListMultipartUploadsResult ${NAMESPACE}>` +
    `<Bucket>${escapeXml(bucket)}</Bucket><Prefix>${escapeXml(prefix)}</Prefix>` +
    `<KeyMarker>${escapeXml(keyMarker)}</KeyMarker><UploadIdMarker>${escapeXml(idMarker)}</UploadIdMarker>` +
    (page.length < left.length && last !== undefined
      ? `<NextKeyMarker>${escapeXml(last.key)}</NextKeyMarker><NextUploadIdMarker>${last.uploadId}</NextUploadIdMarker>`
      : '') +
    `<MaxUploads>${most}</MaxUploads><IsTruncated>${page.length < left.length}</IsTruncated>` +
    `${listed.join('')}</ListMultipartUploadsResult>`
  );
}

function pageOf(asked: string | null): number {
  return asked !== null && /^\d{1,4}$/.test(asked) ? Math.min(PAGE, Number(asked)) : PAGE;
}
