// One attempt to write one object past the SDK: the same request, for a quarter of the processor time.
import type { DirectWrites } from '../aws/direct-writes.ts';
import { elementText } from '../aws/xml-element.ts';
import { base64Crc32 } from './checksum.ts';
import type { ObjectWrite, StoredObject } from './transfer.ts';

/** Above it the bytes cost more than the SDK; and it asks S3, from 2 MiB on, whether it wants them before it sends them. */
const MOST_BYTES = 1024 ** 2;

/** @returns undefined where the SDK has to write */
export async function writeDirectly(
  direct: DirectWrites,
  { source, destination, contentType, ifExists }: ObjectWrite,
  cutOff?: AbortSignal,
): Promise<StoredObject | undefined> {
  const condition = ifExists === 'overwrite' ? {} : { 'if-none-match': '*' };
  if (source.kind === 'bytes') {
    const { bytes } = source;
    if (bytes.length > MOST_BYTES) return undefined;
    const headers = {
      'content-type': contentType ?? 'application/octet-stream',
      'x-amz-checksum-crc32': base64Crc32(bytes),
      ...condition,
    };
    const answer = await direct.send({ ...destination, headers, body: bytes }, cutOff);
    if (answer === undefined) return undefined;
    const { etag = '', 'x-amz-version-id': versionId, 'x-amz-checksum-crc32': checksum } = answer.headers;
    return { etag, ...named({ versionId, checksum }), bytes: bytes.length };
  }
  const headers = {
    'x-amz-copy-source': copySourceOf(source),
    // A new content type comes only with new metadata: S3 copies both or neither.
    ...(contentType === undefined
      ? {}
      : { 'content-type': contentType, 'x-amz-metadata-directive': 'REPLACE' }),
    ...condition,
  };
  const answer = await direct.send({ ...destination, headers }, cutOff);
  if (answer === undefined) return undefined;
  const { 'x-amz-version-id': versionId } = answer.headers;
  const checksum = elementText(answer.text, 'ChecksumCRC32');
  return { etag: elementText(answer.text, 'ETag') ?? '', ...named({ versionId, checksum }) };
}

/** In the header as well as for the SDK's command. */
export function copySourceOf({
  bucket,
  key,
  versionId,
}: Extract<ObjectWrite['source'], { kind: 's3' }>): string {
  const version = versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`;
  return `${bucket}/${encodeURIComponent(key)}${version}`;
}

function named({ versionId, checksum }: { versionId: string | undefined; checksum: string | undefined }) {
  return {
    ...(versionId === undefined ? {} : { versionId }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}
