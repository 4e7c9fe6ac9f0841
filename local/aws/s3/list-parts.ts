// ListParts and ListMultipartUploads: what an upload has so far, and which uploads of a bucket are open.

import type { ListedPart, MultipartUploads } from './multipart-uploads.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { escapeXml } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';

/** S3 user guide, "Amazon S3 multipart upload limits". */
const PAGE = 1_000;
const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

export const listParts: ObjectAction = ({ uploads }, { s3: { bucket, key, query }, request }) => {
  request.resume();
  const uploadId = query.get('uploadId') ?? '';
  const { checksum } = uploads.find(uploadId, bucket, key);
  const after = Number(query.get('part-number-marker') ?? 0);
  const most = pageOf(query.get('max-parts'));
  const left = uploads.parts(uploadId).filter(({ partNumber }) => partNumber > after);
  const page = left.slice(0, most);
  return xmlAnswer(
    `<ListPartsResult ${NAMESPACE}><Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key>` +
      `<UploadId>${uploadId}</UploadId><PartNumberMarker>${after}</PartNumberMarker>` +
      `<NextPartNumberMarker>${page.at(-1)?.partNumber ?? 0}</NextPartNumberMarker><MaxParts>${most}</MaxParts>` +
      `<IsTruncated>${page.length < left.length}</IsTruncated>` +
      (checksum === undefined
        ? ''
        : `<ChecksumAlgorithm>${checksum.name}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`) +
      `${page.map(partXml).join('')}</ListPartsResult>`,
  );
};

function partXml({ partNumber, etag, sizeBytes, lastModifiedMs, checksum }: ListedPart): string {
  const digest =
    checksum === undefined ? '' : `<Checksum${checksum.name}>${checksum.value}</Checksum${checksum.name}>`;
  return (
    `<Part><PartNumber>${partNumber}</PartNumber><LastModified>${new Date(lastModifiedMs).toISOString()}</LastModified>` +
    `<ETag>${escapeXml(etag)}</ETag><Size>${sizeBytes}</Size>${digest}</Part>`
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
