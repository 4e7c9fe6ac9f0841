// UploadPart and UploadPartCopy: a part of up to 5 GiB, sent or cut from another object.

import { MAX_BODY_BYTES, takeBody } from './body-intake.ts';
import { checksumHeaders, checksumXml } from './checksums.ts';
import { copySource, digestedCopy } from './copy-source.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { sliceBody } from './object-body.ts';
import { s3Error } from './s3-answers.ts';
import type { StoredObject } from './stored-object.ts';

const MAX_PART_NUMBER = 10_000;
/** S3 copies ranges of larger objects only. */
const MIN_RANGE_SOURCE_BYTES = 5 * 1024 ** 2;

export const uploadPart: ObjectAction = async ({ clock, spool, uploads }, { s3, request }) => {
  const partNumber = partNumberOf(s3.query);
  const { uploadId, checksum } = uploads.find(s3);
  const part = await takeBody(request, spool, checksum?.name);
  uploads.addPart(uploadId, partNumber, part, clock.now());
  return { status: 200, headers: { etag: `"${part.md5}"`, ...checksumHeaders(part.checksum) } };
};

export const uploadPartCopy: ObjectAction = async (
  { clock, objects, uploads },
  { s3, request, assertConditions },
) => {
  const partNumber = partNumberOf(s3.query);
  const { uploadId, checksum } = uploads.find(s3);
  request.resume();
  const source = copySource(objects, { s3, request });
  assertConditions(source);
  const { start, end } = copiedRange(source, request.headers['x-amz-copy-source-range']);
  if (end - start > MAX_BODY_BYTES) throw s3Error(400, 'EntityTooLarge');
  const part = await digestedCopy(sliceBody(source.content, start, end), checksum?.name);
  uploads.addPart(uploadId, partNumber, part, clock.now());
  return xmlAnswer(
    `<CopyPartResult><ETag>&quot;${part.md5}&quot;</ETag><LastModified>${new Date(clock.now()).toISOString()}</LastModified>` +
      `${checksumXml(part.checksum)}</CopyPartResult>`,
    { headers: { etag: `"${part.md5}"` } },
  );
};

/** @throws S3Error */
function partNumberOf(query: URLSearchParams): number {
  const text = query.get('partNumber') ?? '';
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (partNumber < 1 || partNumber > MAX_PART_NUMBER) {
    throw s3Error(
      400,
      'InvalidArgument',
      `Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive`,
    );
  }
  return partNumber;
}

/** @throws S3Error */
function copiedRange(
  { contentLength }: StoredObject,
  header: string | string[] | undefined,
): { start: number; end: number } {
  if (header === undefined) return { start: 0, end: contentLength };
  if (contentLength <= MIN_RANGE_SOURCE_BYTES) {
    throw s3Error(
      400,
      'InvalidRequest',
      'The specified copy source is not supported as a byte-range copy source',
    );
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(String(header)) ?? [];
  const [start, end] = [Number(first), Number(last) + 1];
  if (start < end && end <= contentLength) return { start, end };
  throw s3Error(
    400,
    'InvalidArgument',
    first === undefined
      ? 'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy'
      : `Range specified is not valid for source object of size: ${contentLength}`,
  );
}
