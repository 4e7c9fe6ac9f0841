// The single requests of a multipart upload.
import {
  AbortMultipartUploadCommand,
  type AbortMultipartUploadCommandInput,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { attributeInput, type ChecksumAlgorithm } from '../attributes/object-attributes.ts';
import { classifyFault } from '../aws/classify.ts';
import { type SendOptions, sendProven } from '../aws/proof.ts';
import { createSourceHeads } from '../aws/source-heads.ts';
import {
  checksumField,
  checksumOf,
  checksumSetting,
  compositeChecksum,
  DEFAULT_CHECKSUM,
} from './checksum.ts';
import { joinedCrc64 } from './crc64-join.ts';
import { type ObjectWrite, type WrittenObject, writtenObject } from './object-writer.ts';

export interface SentPart {
  number: number;
  etag: string;
  /** Base64: CRC32, or what the object asks for. */
  checksum: string;
  bytes: number;
}

export type MultipartWriter = ReturnType<typeof createMultipartWriter>;

/** Each request throws what the S3 client throws, or NoProof; classifyFault reads both. */
export function createMultipartWriter(s3: S3Client) {
  const heads = createSourceHeads(s3);
  const head = ({ destination }: ObjectWrite) => heads.head(destination, { withChecksum: true });
  const sendsByDefault = checksumSetting(s3);
  const algorithmOf = ({ attributes }: ObjectWrite) => attributes?.checksumAlgorithm ?? DEFAULT_CHECKSUM;
  const sendsChecksums = async ({ attributes }: ObjectWrite) =>
    attributes?.checksumAlgorithm !== undefined || (await sendsByDefault());

  return {
    exists: ({ destination }: ObjectWrite): Promise<boolean> =>
      heads.exists(destination, { withChecksum: true }),

    /** Never cut off: without its id an upload can't be aborted. @returns the id */
    async begin(write: ObjectWrite): Promise<string> {
      const { UploadId = '' } = await sendProven(
        s3,
        new CreateMultipartUploadCommand({
          ...objectInput(write),
          ...((await sendsChecksums(write)) ? { ChecksumAlgorithm: algorithmOf(write) } : {}),
          ...attributeInput(write.attributes ?? {}),
        }),
      );
      return UploadId;
    },

    async send(
      write: ObjectWrite,
      uploadId: string,
      { number, bytes }: { number: number; bytes: Uint8Array },
      cutOff: AbortSignal,
    ): Promise<SentPart> {
      const algorithm = algorithmOf(write);
      const checksum = await checksumOf(algorithm, bytes);
      const { ETag = '' } = await sendProven(
        s3,
        new UploadPartCommand({
          ...objectInput(write),
          UploadId: uploadId,
          PartNumber: number,
          Body: bytes,
          ...((await sendsChecksums(write)) ? { [checksumField(algorithm)]: checksum } : {}),
        }),
        { abortSignal: cutOff },
      );
      return { number, etag: ETag, checksum, bytes: bytes.length };
    },

    async complete(
      write: ObjectWrite,
      uploadId: string,
      parts: readonly SentPart[],
      cutOff: AbortSignal,
    ): Promise<WrittenObject> {
      const withChecksum = await sendsChecksums(write);
      const answer = await sendProven(
        s3,
        new CompleteMultipartUploadCommand({
          ...objectInput(write),
          UploadId: uploadId,
          MultipartUpload: {
            Parts: parts.map(({ number, etag, checksum }) => ({
              PartNumber: number,
              ETag: etag,
              ...(withChecksum ? { [checksumField(algorithmOf(write))]: checksum } : {}),
            })),
          },
          ...(write.ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
        }),
        { abortSignal: cutOff },
      );
      return objectOf(answer, algorithmOf(write), parts);
    },

    /** @returns the object at the destination if it is made of these parts, else undefined */
    async recognise(write: ObjectWrite, parts: readonly SentPart[]): Promise<WrittenObject | undefined> {
      const found = await head(write);
      if (found.ContentLength !== sizeOf(parts)) return undefined;
      // Where the endpoint has no checksums: the size, and the number of parts that the ETag ends in.
      const algorithm = algorithmOf(write);
      const checksum = found[checksumField(algorithm)];
      const isOwn =
        checksum === undefined
          ? found.ETag?.replaceAll('"', '').endsWith(`-${parts.length}`)
          : checksum === (await checksumOfParts(algorithm, parts));
      return isOwn ? objectOf(found, algorithm, parts) : undefined;
    },

    async abort(write: Pick<ObjectWrite, 'destination'>, uploadId: string): Promise<void> {
      await abortOnce(s3, { ...objectInput(write), UploadId: uploadId });
    },
  };
}

/** Where a request for the object goes, as fields of the SDK's commands. */
export function objectInput({ destination: { bucket, key } }: Pick<ObjectWrite, 'destination'>) {
  return { Bucket: bucket, Key: key };
}

/** An upload that is gone already counts as aborted. */
export async function abortOnce(
  s3: S3Client,
  upload: AbortMultipartUploadCommandInput,
  options: SendOptions = {},
): Promise<void> {
  try {
    await s3.send(new AbortMultipartUploadCommand(upload), options);
  } catch (error) {
    if (classifyFault(error).code !== 'NoSuchUpload') throw error;
  }
}

async function objectOf(
  { ETag: etag, VersionId: versionId }: { ETag?: string | undefined; VersionId?: string | undefined },
  checksumAlgorithm: ChecksumAlgorithm,
  parts: readonly SentPart[],
): Promise<WrittenObject> {
  const checksum = await checksumOfParts(checksumAlgorithm, parts);
  return writtenObject({ etag, checksum, checksumAlgorithm, bytes: sizeOf(parts), versionId });
}

/** Over the parts' checksums; a CRC64NVME is always of the whole object. (User guide, "Checking object integrity") */
async function checksumOfParts(algorithm: ChecksumAlgorithm, parts: readonly SentPart[]): Promise<string> {
  return algorithm === 'CRC64NVME'
    ? joinedCrc64(parts)
    : compositeChecksum(
        algorithm,
        parts.map(({ checksum }) => checksum),
      );
}

function sizeOf(parts: readonly SentPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
