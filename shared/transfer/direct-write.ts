// One attempt to write one object past the SDK: the same request, for a quarter of the processor time.
import type { DirectWrites } from '../aws/direct-writes.ts';
import { elementText } from '../aws/xml-element.ts';
import { base64Crc32 } from './checksum.ts';
import { copyHeaders } from './source-copy.ts';
import type { ObjectWrite, StoredObject } from './transfer.ts';

/** Above it the bytes cost more than the SDK. */
const MOST_BYTES = 1024 ** 2;

/**
 * @param withChecksum whether the bytes' checksum is sent along
 * @returns undefined where the SDK has to write
 */
export async function writeDirectly(
  direct: DirectWrites,
  withChecksum: boolean,
  { source, destination, contentType, ifExists, sourceHead }: ObjectWrite,
  cutOff?: AbortSignal,
): Promise<StoredObject | undefined> {
  const ifAbsent = ifExists !== 'overwrite';
  if (source.kind === 'bytes') {
    const { bytes } = source;
    if (bytes.length > MOST_BYTES) return undefined;
    const headers = {
      'content-type': contentType ?? 'application/octet-stream',
      ...(withChecksum ? { 'x-amz-checksum-crc32': base64Crc32(bytes) } : {}),
      ...(ifAbsent ? { 'if-none-match': '*' } : {}),
    };
    const answer = await direct.send({ ...destination, headers, body: bytes }, cutOff);
    if (answer === undefined) return undefined;
    const { 'x-amz-version-id': versionId, 'x-amz-checksum-crc32': checksum } = answer.headers;
    return { etag: answer.etag, ...named({ versionId, checksum }), bytes: bytes.length };
  }
  const headers = copyHeaders(source, { contentType, ifAbsent, head: sourceHead });
  const answer = await direct.send({ ...destination, headers }, cutOff);
  if (answer === undefined) return undefined;
  const { 'x-amz-version-id': versionId } = answer.headers;
  const checksum = elementText(answer.text, 'ChecksumCRC32');
  return { etag: answer.etag, ...named({ versionId, checksum }) };
}

function named({ versionId, checksum }: { versionId: string | undefined; checksum: string | undefined }) {
  return {
    ...(versionId === undefined ? {} : { versionId }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}
