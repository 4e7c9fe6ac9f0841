// UploadPart and UploadPartCopy: a part of up to 5 GiB, sent or cut from another object.

import { S3Error } from '../fauxqs-parts.ts';
import { MAX_BODY_BYTES, takeBody } from './body-intake.ts';
import { checksumHeader } from './checksums.ts';
import { copySource, digestedCopy } from './copy-source.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { sliceBody } from './object-body.ts';
import type { StoredObject } from './stored-object.ts';

const MAX_PART_NUMBER = 10_000;
/** S3 copies ranges of larger objects only. */
const MIN_RANGE_SOURCE_BYTES = 5 * 1024 ** 2;

export const uploadPart: ObjectAction = async (
  { clock, spool, uploads },
  { s3: { bucket, key, query }, request },
) => {
  const { uploadId, partNumber } = place(query);
  const upload = uploads.find(uploadId, bucket, key);
  const part = await takeBody(request, spool, upload.checksum?.name);
  const { etag } = uploads.addPart(uploadId, partNumber, part, clock.now());
  const { checksum } = part;
  return {
    status: 200,
    headers: { etag, ...(checksum === undefined ? {} : { [checksumHeader(checksum.name)]: checksum.value }) },
  };
};

export const uploadPartCopy: ObjectAction = async (
  { clock, objects, uploads },
  { s3, request, assertConditions },
) => {
  const { bucket, key, query } = s3;
  const { uploadId, partNumber } = place(query);
  const upload = uploads.find(uploadId, bucket, key);
  request.resume();
  const source = copySource(objects, { s3, request });
  assertConditions(source);
  const { start, end } = copiedRange(source, request.headers['x-amz-copy-source-range']);
  if (end - start > MAX_BODY_BYTES) throw tooLarge();
  const part = await digestedCopy(sliceBody(source.content, start, end), upload.checksum?.name);
  const { etag } = uploads.addPart(uploadId, partNumber, part, clock.now());
  const { checksum } = part;
  const checksumXml =
    checksum === undefined ? '' : `<Checksum${checksum.name}>${checksum.value}</Checksum${checksum.name}>`;
  return xmlAnswer(
    `<CopyPartResult><ETag>&quot;${part.md5}&quot;</ETag><LastModified>${new Date(clock.now()).toISOString()}</LastModified>` +
      `${checksumXml}</CopyPartResult>`,
    { headers: { etag } },
  );
};

/** @throws S3Error */
function place(query: URLSearchParams): { uploadId: string; partNumber: number } {
  const text = query.get('partNumber') ?? '';
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (partNumber < 1 || partNumber > MAX_PART_NUMBER) {
    throw new S3Error(
      'InvalidArgument',
      `Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive`,
      400,
    );
  }
  return { uploadId: query.get('uploadId') ?? '', partNumber };
}

/** @throws S3Error */
function copiedRange(
  { contentLength }: StoredObject,
  header: string | string[] | undefined,
): { start: number; end: number } {
  if (header === undefined) return { start: 0, end: contentLength };
  if (contentLength <= MIN_RANGE_SOURCE_BYTES) {
    throw new S3Error(
      'InvalidRequest',
      'The specified copy source is not supported as a byte-range copy source',
      400,
    );
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(String(header)) ?? [];
  const [start, end] = [Number(first), Number(last) + 1];
  if (start < end && end <= contentLength) return { start, end };
  throw new S3Error(
    'InvalidArgument',
    first === undefined
      ? 'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy'
      : `Range specified is not valid for source object of size: ${contentLength}`,
    400,
  );
}

function tooLarge(): Error {
  return new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400);
}
