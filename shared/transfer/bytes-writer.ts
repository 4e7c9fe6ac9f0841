// Writes objects whose bytes are in memory, by PutObject. Small ones bypass the SDK, which takes a quarter of its processor time.
import { type HeadObjectCommandOutput, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { attributeHeaders, attributeInput, type ChecksumAlgorithm } from '../attributes/object-attributes.ts';
import { createDirectWrites } from '../aws/direct-writes.ts';
import { sendProven } from '../aws/proof.ts';
import { createSourceHeads } from '../aws/source-heads.ts';
import type { Clock } from '../time/clock.ts';
import {
  checksumField,
  checksumHeader,
  checksumOf,
  checksumSetting,
  DEFAULT_CHECKSUM,
  isMd5Of,
} from './checksum.ts';
import {
  endedBy,
  type ObjectWrite,
  type ObjectWriter,
  objectIn,
  type WrittenObject,
  writtenObject,
} from './object-writer.ts';

/** Above this size the bytes cost more than the SDK. */
const MAX_DIRECT_BYTES = 1024 ** 2;

export interface BytesWrite extends ObjectWrite {
  bytes: Uint8Array;
}

/** Each request of many objects; throws as ObjectWriter does. */
export interface BytesWriter {
  write(write: BytesWrite, cutOff?: AbortSignal): Promise<WrittenObject>;
  recognise(write: BytesWrite, cutOff?: AbortSignal): Promise<WrittenObject | undefined>;
}

interface Checksum {
  algorithm: ChecksumAlgorithm;
  value: string;
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
    checksum: Checksum | undefined,
    cutOff: AbortSignal | undefined,
  ): Promise<WrittenObject | undefined> {
    if (bytes.length > MAX_DIRECT_BYTES) return undefined;
    const headers = {
      'content-type': 'application/octet-stream',
      ...attributeHeaders(attributes),
      ...(checksum === undefined ? {} : { [checksumHeader(checksum.algorithm)]: checksum.value }),
      ...(ifExists === 'overwrite' ? {} : { 'if-none-match': '*' }),
    };
    const answer = await direct.send({ ...destination, headers, body: bytes }, cutOff);
    if (answer === undefined) return undefined;
    const checksumAlgorithm = checksum?.algorithm ?? DEFAULT_CHECKSUM;
    const { 'x-amz-version-id': versionId, [checksumHeader(checksumAlgorithm)]: answered } = answer.headers;
    const { etag } = answer;
    return writtenObject({ etag, versionId, checksum: answered, checksumAlgorithm, bytes: bytes.length });
  }

  return {
    async write(write, cutOff) {
      const asked = write.attributes?.checksumAlgorithm;
      const algorithm = asked ?? ((await sendsChecksums()) ? DEFAULT_CHECKSUM : undefined);
      const checksum =
        algorithm === undefined ? undefined : { algorithm, value: await checksumOf(algorithm, write.bytes) };
      return (await putDirectly(write, checksum, cutOff)) ?? (await putBySdk(s3, write, checksum, cutOff));
    },
    async recognise({ destination, attributes, bytes }, cutOff) {
      const found = await heads.head(destination, { withChecksum: true, ...endedBy(cutOff) });
      const algorithm = attributes?.checksumAlgorithm ?? DEFAULT_CHECKSUM;
      return (await holds(found, algorithm, bytes)) ? objectIn(found, algorithm, bytes.length) : undefined;
    },
  };
}

async function putBySdk(
  s3: S3Client,
  { destination, attributes = {}, ifExists, bytes }: BytesWrite,
  checksum: Checksum | undefined,
  cutOff: AbortSignal | undefined,
): Promise<WrittenObject> {
  const answer = await sendProven(
    s3,
    new PutObjectCommand({
      Bucket: destination.bucket,
      Key: destination.key,
      // Bytes, never a stream: the SDK does not retry streams, and the checksum needs the whole body.
      Body: bytes,
      ...(checksum === undefined ? {} : { [checksumField(checksum.algorithm)]: checksum.value }),
      ...attributeInput(attributes),
      ...(ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
    }),
    endedBy(cutOff),
  );
  return objectIn(answer, checksum?.algorithm, bytes.length);
}

/** Whether the object that was found has these bytes: what was written without a checksum has none. */
async function holds(
  found: HeadObjectCommandOutput,
  algorithm: ChecksumAlgorithm,
  bytes: Uint8Array,
): Promise<boolean> {
  if (found.ContentLength !== bytes.length) return false;
  const checksum = found[checksumField(algorithm)];
  return checksum === undefined
    ? isMd5Of(found.ETag, bytes)
    : checksum === (await checksumOf(algorithm, bytes));
}
