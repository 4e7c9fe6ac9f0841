// CompleteMultipartUpload: the parts that the request lists become the object.
import type { IncomingMessage } from 'node:http';
import { askedChecksum, assertEqual, checksumHeaders, checksumXml } from './checksums.ts';
import type { PartSpec } from './multipart-uploads.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { escapeXml, NAMESPACE, s3Error } from './s3-answers.ts';
import { checksumOf, type StoredObject } from './stored-object.ts';

/** 10,000 parts with ETags and checksums come to less than 3 MB. */
const MAX_LIST_BYTES = 4 * 1024 ** 2;
const PART = /<Part\b[^>]*>([\s\S]*?)<\/Part>/g;

export const completeMultipartUpload: ObjectAction = async (
  { clock, objects, uploads },
  { s3, request, assertConditions },
) => {
  const { bucket, key } = s3;
  uploads.find(s3);
  const specs = partsIn(await listText(request));
  const asked = askedChecksum(request.headers);
  // From here to the write nothing else runs.
  objects.assertBucket(bucket);
  assertConditions();
  const { uploadId, headers } = uploads.find(s3);
  const object = uploads.complete(
    uploadId,
    specs,
    clock.now(),
    ({ checksumAlgorithm, checksumValue, checksumType }) => {
      if (asked?.value !== undefined && asked.name === checksumAlgorithm && checksumType === 'FULL_OBJECT')
        assertEqual(asked.name, asked.value, checksumValue ?? '');
    },
  );
  const touched = objects.write(bucket, object);
  return xmlAnswer(resultXml(bucket, key, String(request.headers.host), object), {
    touched,
    keptHeaders: headers,
    headers: checksumHeaders(checksumOf(object)),
  });
};

function resultXml(bucket: string, key: string, host: string, object: StoredObject): string {
  const path = encodeURIComponent(`${bucket}/${key}`).replaceAll('%2F', '/');
  const checksum = checksumOf(object);
  const type = checksum === undefined ? '' : `<ChecksumType>${checksum.type}</ChecksumType>`;
  return (
    `<CompleteMultipartUploadResult ${NAMESPACE}>` +
    `<Location>http://${escapeXml(host)}/${path}</Location><Bucket>${escapeXml(bucket)}</Bucket>` +
    `<Key>${escapeXml(key)}</Key><ETag>${escapeXml(object.etag)}</ETag>` +
    `${checksumXml(checksum)}${type}</CompleteMultipartUploadResult>`
  );
}

async function listText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes > MAX_LIST_BYTES) throw s3Error(400, 'MalformedXML');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

/** @throws S3Error where it lists no parts, or one without its number or ETag */
function partsIn(xml: string): PartSpec[] {
  const specs = [...xml.matchAll(PART)].map(([, part = '']) => {
    const number = /<PartNumber>\s*(\d{1,5})\s*<\/PartNumber>/.exec(part)?.[1];
    const etag = /<ETag>([^<]*)<\/ETag>/.exec(part)?.[1];
    if (number === undefined || etag === undefined) throw s3Error(400, 'MalformedXML');
    return {
      partNumber: Number(number),
      etag: etag.replaceAll(/&quot;|&#34;|&#x22;|"/g, '').trim(),
    };
  });
  if (specs.length === 0) throw s3Error(400, 'MalformedXML');
  return specs;
}
