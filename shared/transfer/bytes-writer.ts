// Objects whose bytes are in memory, by PutObject: past the SDK where that is cheaper, which takes a quarter of its processor
// time.
import { type HeadObjectCommandOutput, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { attributeHeaders, attributeInput } from '../attributes/object-attributes.ts';
import { createDirectWrites } from '../aws/direct-writes.ts';
import { sendProven } from '../aws/proof.ts';
import { createSourceHeads } from '../aws/source-heads.ts';
import type { Clock } from '../time/clock.ts';
import { base64Crc32, checksumSetting, isMd5Of } from './checksum.ts';
import {
  endedBy,
  type ObjectWrite,
  type ObjectWriter,
  type StoredObject,
  storedObject,
} from './object-writer.ts';

/** Above it the bytes cost more than the SDK. */
const MAX_DIRECT_BYTES = 1024 ** 2;

export interface BytesWrite extends ObjectWrite {
  bytes: Uint8Array;
}

/** Each request of many objects; throws as ObjectWriter does. */
export interface BytesWriter {
  write(write: BytesWrite, cutOff?: AbortSignal): Promise<StoredObject>;
  recognise(write: BytesWrite, cutOff?: AbortSignal): Promise<StoredObject | undefined>;
}

/** The writer of one object with these bytes. */
export function writerOfBytes(writer: BytesWriter, write: BytesWrite): ObjectWriter {
  return {
    write: (_ask, cutOff) => writer.write(write, cutOff),
    recognise: (cutOff) => writer.recognise(write, cutOff),
  };
}

export function createBytesWriter(s3: S3Client, clock: Clock): BytesWriter {
  const direct = createDirectWrites(s3, clock);
  const heads = createSourceHeads(s3);
  const sendsChecksums = checksumSetting(s3);

  async function putDirectly(
    { destination, attributes = {}, ifExists, bytes }: BytesWrite,
    checksum: string | undefined,
    cutOff: AbortSignal | undefined,
  ): Promise<StoredObject | undefined> {
    if (bytes.length > MAX_DIRECT_BYTES) return undefined;
    const headers = {
      'content-type': 'application/octet-stream',
      ...attributeHeaders(attributes),
      ...(checksum === undefined ? {} : { 'x-amz-checksum-crc32': checksum }),
      ...(ifExists === 'overwrite' ? {} : { 'if-none-match': '*' }),
    };
    const answer = await direct.send({ ...destination, headers, body: bytes }, cutOff);
    if (answer === undefined) return undefined;
    const { 'x-amz-version-id': versionId, 'x-amz-checksum-crc32': answered } = answer.headers;
    return storedObject({ etag: answer.etag, versionId, checksum: answered, bytes: bytes.length });
  }

  return {
    async write(write, cutOff) {
      const checksum = (await sendsChecksums()) ? base64Crc32(write.bytes) : undefined;
      return (await putDirectly(write, checksum, cutOff)) ?? (await putBySdk(s3, write, checksum, cutOff));
    },
    async recognise({ destination, bytes }, cutOff) {
      const found = await heads.head(destination, { withChecksum: true, ...endedBy(cutOff) });
      if (!holds(found, bytes)) return undefined;
      const { ETag: etag, VersionId: versionId, ChecksumCRC32: checksum } = found;
      return storedObject({ etag, versionId, checksum, bytes: bytes.length });
    },
  };
}

async function putBySdk(
  s3: S3Client,
  { destination, attributes = {}, ifExists, bytes }: BytesWrite,
  checksum: string | undefined,
  cutOff: AbortSignal | undefined,
): Promise<StoredObject> {
  const answer = await sendProven(
    s3,
    new PutObjectCommand({
      Bucket: destination.bucket,
      Key: destination.key,
      // Bytes, never a stream: the SDK does not retry streams, and the checksum needs the whole body.
      Body: bytes,
      ...(checksum === undefined ? {} : { ChecksumCRC32: checksum }),
      ...attributeInput(attributes),
      ...(ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
    }),
    endedBy(cutOff),
  );
  const { ETag: etag, VersionId: versionId, ChecksumCRC32: answered } = answer;
  return storedObject({ etag, versionId, checksum: answered, bytes: bytes.length });
}

/** Whether the object that was found has these bytes: what was written without a checksum has none. */
function holds({ ContentLength, ChecksumCRC32, ETag }: HeadObjectCommandOutput, bytes: Uint8Array): boolean {
  if (ContentLength !== bytes.length) return false;
  return ChecksumCRC32 === undefined ? isMd5Of(ETag, bytes) : ChecksumCRC32 === base64Crc32(bytes);
}
