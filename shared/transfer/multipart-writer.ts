// The single requests of a multipart upload.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { attributeInput } from '../attributes/object-attributes.ts';
import { classifyFault } from '../aws/classify.ts';
import { sendProven } from '../aws/proof.ts';
import { createSourceHeads } from '../aws/source-heads.ts';
import { base64Crc32, checksumSetting, compositeCrc32 } from './checksum.ts';
import { type ObjectWrite, type StoredObject, storedObject } from './object-writer.ts';

export interface SentPart {
  number: number;
  etag: string;
  /** CRC32, base64. */
  checksum: string;
  bytes: number;
}

/** Each throws what the S3 client throws, or NoProof; classifyFault reads both. */
export interface MultipartWriter {
  exists(write: ObjectWrite): Promise<boolean>;
  /** Never cut off: without its id an upload can't be aborted. @returns the id */
  begin(write: ObjectWrite): Promise<string>;
  send(
    write: ObjectWrite,
    uploadId: string,
    part: { number: number; bytes: Uint8Array },
    cutOff: AbortSignal,
  ): Promise<SentPart>;
  complete(
    write: ObjectWrite,
    uploadId: string,
    parts: readonly SentPart[],
    cutOff: AbortSignal,
  ): Promise<StoredObject>;
  /** @returns the object at the destination if it is made of these parts, else undefined */
  recognise(write: ObjectWrite, parts: readonly SentPart[]): Promise<StoredObject | undefined>;
  /** An upload that is gone already counts as aborted. */
  abort(write: Pick<ObjectWrite, 'destination'>, uploadId: string): Promise<void>;
}

export function createMultipartWriter(s3: S3Client): MultipartWriter {
  const at = ({ destination }: Pick<ObjectWrite, 'destination'>) => ({
    Bucket: destination.bucket,
    Key: destination.key,
  });
  const heads = createSourceHeads(s3);
  const head = ({ destination }: ObjectWrite) => heads.head(destination, { withChecksum: true });
  const sendsChecksums = checksumSetting(s3);

  return {
    async exists(write) {
      try {
        await head(write);
        return true;
      } catch (error) {
        if (classifyFault(error).code === 'NotFound') return false;
        throw error;
      }
    },

    async begin(write) {
      const { UploadId = '' } = await sendProven(
        s3,
        new CreateMultipartUploadCommand({
          ...at(write),
          ...((await sendsChecksums()) ? { ChecksumAlgorithm: 'CRC32' } : {}),
          ...attributeInput(write.attributes ?? {}),
        }),
      );
      return UploadId;
    },

    async send(write, uploadId, { number, bytes }, cutOff) {
      const checksum = base64Crc32(bytes);
      const { ETag = '' } = await sendProven(
        s3,
        new UploadPartCommand({
          ...at(write),
          UploadId: uploadId,
          PartNumber: number,
          Body: bytes,
          ...((await sendsChecksums()) ? { ChecksumCRC32: checksum } : {}),
        }),
        { abortSignal: cutOff },
      );
      return { number, etag: ETag, checksum, bytes: bytes.length };
    },

    async complete(write, uploadId, parts, cutOff) {
      const withChecksum = await sendsChecksums();
      const answer = await sendProven(
        s3,
        new CompleteMultipartUploadCommand({
          ...at(write),
          UploadId: uploadId,
          MultipartUpload: {
            Parts: parts.map(({ number, etag, checksum }) => ({
              PartNumber: number,
              ETag: etag,
              ...(withChecksum ? { ChecksumCRC32: checksum } : {}),
            })),
          },
          ...(write.ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
        }),
        { abortSignal: cutOff },
      );
      return objectOf(answer.ETag, answer.VersionId, parts);
    },

    async recognise(write, parts) {
      const found = await head(write);
      if (found.ContentLength !== sizeOf(parts)) return undefined;
      // Where the endpoint has no checksums: the size, and the number of parts that the ETag ends in.
      const isOwn =
        found.ChecksumCRC32 === undefined
          ? found.ETag?.replaceAll('"', '').endsWith(`-${parts.length}`)
          : found.ChecksumCRC32 === compositeCrc32(parts.map(({ checksum }) => checksum));
      return isOwn ? objectOf(found.ETag, found.VersionId, parts) : undefined;
    },

    async abort(write, uploadId) {
      try {
        await s3.send(new AbortMultipartUploadCommand({ ...at(write), UploadId: uploadId }));
      } catch (error) {
        if (classifyFault(error).code !== 'NoSuchUpload') throw error;
      }
    },
  };
}

function objectOf(
  etag: string | undefined,
  versionId: string | undefined,
  parts: readonly SentPart[],
): StoredObject {
  const checksum = compositeCrc32(parts.map(({ checksum: each }) => each));
  return storedObject({ etag, checksum, bytes: sizeOf(parts), versionId });
}

function sizeOf(parts: readonly SentPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
