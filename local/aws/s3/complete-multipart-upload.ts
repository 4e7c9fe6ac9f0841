// CompleteMultipartUpload: the parts that the request lists become the object.
import type { IncomingMessage } from 'node:http';
import { S3Error } from '../fauxqs-parts.ts';
import { askedChecksum, assertEqual, checksumHeader } from './checksums.ts';
import type { PartSpec } from './multipart-uploads.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { escapeXml } from './s3-answers.ts';
import type { StoredObject } from './stored-object.ts';

/** 10,000 parts with ETags and checksums come to less than 3 MB. */
const MAX_LIST_BYTES = 4 * 1024 ** 2;
const PART = /<Part\b[^>]*>([\s\S]*?)<\/Part>/g;

export const completeMultipartUpload: ObjectAction = async (
  { clock, objects, uploads },
  { s3: { bucket, key, query }, request, assertConditions },
) => {
  const uploadId = query.get('uploadId') ?? '';
  uploads.find(uploadId, bucket, key);
  const specs = partsIn(await listText(request));
  const asked = askedChecksum(request.headers);
  // From here to the write nothing else runs.
  objects.assertBucket(bucket);
  assertConditions();
  const { headers } = uploads.find(uploadId, bucket, key);
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
    headers: checksumHeaders(object),
  });
};

function checksumHeaders({ checksumAlgorithm, checksumValue }: StoredObject): Record<string, string> {
  if (checksumAlgorithm === undefined || checksumValue === undefined) return {};
  return { [checksumHeader(checksumAlgorithm)]: checksumValue };
}

function resultXml(bucket: string, key: string, host: string, object: StoredObject): string {
  const { checksumAlgorithm: name, checksumValue, checksumType, etag } = object;
  const path = encodeURIComponent(`${bucket}/${key}`).replaceAll('%2F', '/');
  const checksum =
    name === undefined
      ? ''
      : `<Checksum${name}>${checksumValue}</Checksum${name}><ChecksumType>${checksumType}</ChecksumType>`;
  return (
    '<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Location>http://${escapeXml(host)}/${path}</Location><Bucket>${escapeXml(bucket)}</Bucket>` +
    `<Key>${escapeXml(key)}</Key><ETag>${escapeXml(etag)}</ETag>${checksum}</CompleteMultipartUploadResult>`
  );
}

async function listText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes > MAX_LIST_BYTES) throw malformed();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

/** @throws S3Error where it lists no parts, or one without its number or ETag */
function partsIn(xml: string): PartSpec[] {
  const specs = [...xml.matchAll(PART)].map(([, part = '']) => {
    const number = /<PartNumber>\s*(\d{1,5})\s*<\/PartNumber>/.exec(part)?.[1];
    const etag = /<ETag>([^<]*)<\/ETag>/.exec(part)?.[1];
    if (number === undefined || etag === undefined) throw malformed();
    return {
      partNumber: Number(number),
      etag: etag.replaceAll(/&quot;|&#34;|&#x22;|"/g, '').trim(),
    };
  });
  if (specs.length === 0) throw malformed();
  return specs;
}

function malformed(): Error {
  return new S3Error(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
    400,
  );
}
