// One attempt to write one object: bytes that the manifest carries by PutObject, an object in S3 by a server-side copy.
import {
  CopyObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { copyTimeoutMs } from '../aws/budgets.ts';
import { classifyFault, SOURCE_CONDITION } from '../aws/classify.ts';
import { createDirectWrites } from '../aws/direct-writes.ts';
import { sendProven } from '../aws/proof.ts';
import { createSourceHeads, type SourceHeads } from '../aws/source-heads.ts';
import type { IfExists } from '../job/options.ts';
import type { ObjectSource } from '../manifest/columns.ts';
import type { Clock } from '../time/clock.ts';
import { base64Crc32, checksumSetting, isMd5Of } from './checksum.ts';
import { writeDirectly } from './direct-write.ts';
import { type CopySource, copyHeaders, type SourceHead, sourceHeadOf } from './source-copy.ts';

export interface ObjectWrite {
  source: ObjectSource;
  destination: { bucket: string; key: string };
  contentType?: string;
  ifExists: IfExists;
  /** Of a copy with a content type: what its source has beside that. Where it is absent, it is read before the write. */
  sourceHead?: SourceHead;
}

/** A copy that changes metadata, and so needs its source's. */
export type TypedCopy = ObjectWrite & { source: CopySource; contentType: string };

export function isTypedCopy(write: ObjectWrite): write is TypedCopy {
  return write.source.kind === 's3' && write.contentType !== undefined;
}

export interface StoredObject {
  etag: string;
  versionId?: string;
  /** CRC32, base64, where S3 answers one. */
  checksum?: string;
  /** Bytes that were sent; a server-side copy sends none and S3 does not say how many it copied. */
  bytes?: number;
}

export interface ObjectWriter {
  /**
   * @param cutOff absent where nothing needs to be ended in haste
   * @throws whatever the S3 client throws: classifyFault tells what it means
   */
  write(object: ObjectWrite, cutOff?: AbortSignal): Promise<StoredObject>;
  /** A HEAD of the source. @throws likewise; an error named MetadataUnreadable */
  readSource(copy: TypedCopy, cutOff?: AbortSignal): Promise<SourceHead>;
  /**
   * Whether the object that a conditional write found is the one we meant to write: after a lost answer it may be our own.
   * @returns the stored object, or undefined where it is another's
   * @throws what the client throws; an error named SourceUnreadable where the source is gone that it would be compared with
   */
  findOwn(object: ObjectWrite, cutOff?: AbortSignal): Promise<StoredObject | undefined>;
}

export function createObjectWriter(s3: S3Client, clock: Clock): ObjectWriter {
  const direct = createDirectWrites(s3, clock);
  const heads = createSourceHeads(s3);
  const sendsChecksums = checksumSetting(s3);

  const readSource: ObjectWriter['readSource'] = async ({ source, destination }, cutOff) => {
    const { bucket, key, versionId } = source;
    const place = { bucket, key, ...(versionId === undefined ? {} : { versionId }) };
    return sourceHeadOf(await heads.head(place, endedBy(cutOff)), destination.bucket);
  };

  async function writeOnce(object: ObjectWrite, cutOff: AbortSignal | undefined): Promise<StoredObject> {
    const withChecksum = await sendsChecksums();
    const written = await writeDirectly(direct, withChecksum, object, cutOff);
    if (written !== undefined) return written;
    return object.source.kind === 'bytes'
      ? await put(s3, object, object.source.bytes, withChecksum, cutOff)
      : await copy(s3, object, object.source, cutOff);
  }

  /** A 412 says that the source or the destination is not as it should be; S3 names which, other servers may not. */
  async function whichCondition(
    error: unknown,
    object: TypedCopy & { sourceHead: SourceHead },
    cutOff: AbortSignal | undefined,
  ) {
    const { Condition } = error as { Condition?: string };
    if (classifyFault(error).kind !== 'exists' || Condition !== undefined) return error;
    const { etag, versionId } = object.sourceHead;
    const isSame = async () => {
      const now = await readSource(object, cutOff);
      return now.etag === etag && now.versionId === versionId;
    };
    if (object.ifExists !== 'overwrite' && (await isSame())) return error;
    return Object.assign(error as Error, { Condition: SOURCE_CONDITION });
  }

  return {
    readSource,
    async write(object, cutOff) {
      if (!isTypedCopy(object)) return writeOnce(object, cutOff);
      const withHead = { ...object, sourceHead: object.sourceHead ?? (await readSource(object, cutOff)) };
      try {
        return await writeOnce(withHead, cutOff);
      } catch (error) {
        throw await whichCondition(error, withHead, cutOff);
      }
    },
    async findOwn({ source, destination }, cutOff) {
      const found = await heads.head(destination, { withChecksum: true, ...endedBy(cutOff) });
      if (source.kind === 'bytes') {
        if (!holds(found, source.bytes)) return undefined;
      } else if (!isCopyOf(found, await headOriginal(heads, source, cutOff))) {
        return undefined;
      }
      return stored(found.ETag, found.VersionId, found.ChecksumCRC32, found.ContentLength);
    },
  };
}

/** Whether the object that was found has these bytes: what was written without a checksum has none. */
function holds({ ContentLength, ChecksumCRC32, ETag }: HeadObjectCommandOutput, bytes: Uint8Array): boolean {
  if (ContentLength !== bytes.length) return false;
  return ChecksumCRC32 === undefined ? isMd5Of(ETag, bytes) : ChecksumCRC32 === base64Crc32(bytes);
}

async function put(
  s3: S3Client,
  { destination, contentType, ifExists }: ObjectWrite,
  bytes: Uint8Array,
  withChecksum: boolean,
  cutOff: AbortSignal | undefined,
) {
  const answer = await sendProven(
    s3,
    new PutObjectCommand({
      Bucket: destination.bucket,
      Key: destination.key,
      // Bytes, never a stream: the SDK does not retry streams, and the checksum needs the whole body.
      Body: bytes,
      ...(withChecksum ? { ChecksumCRC32: base64Crc32(bytes) } : {}),
      ...(contentType === undefined ? {} : { ContentType: contentType }),
      ...(ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
    }),
    endedBy(cutOff),
  );
  return stored(answer.ETag, answer.VersionId, answer.ChecksumCRC32, bytes.length);
}

/** A listener costs the more, the more requests share the signal: 2% of a request's time at 256 at once. */
function endedBy(cutOff: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return cutOff === undefined ? {} : { abortSignal: cutOff };
}

async function copy(
  s3: S3Client,
  { destination, contentType, ifExists, sourceHead }: ObjectWrite,
  source: CopySource,
  cutOff: AbortSignal | undefined,
) {
  const headers = copyHeaders(source, {
    contentType,
    ifAbsent: ifExists !== 'overwrite',
    head: sourceHead,
  });
  const command = new CopyObjectCommand({
    Bucket: destination.bucket,
    Key: destination.key,
    CopySource: headers['x-amz-copy-source'],
  });
  // As headers, not as the command's fields: what the source has is sent on as it came, an Expires that is no date as well.
  command.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: Record<string, string> }).headers, headers);
      return next(args);
    },
    { step: 'build', name: 'copyHeaders' },
  );
  const answer = await sendProven(s3, command, {
    ...endedBy(cutOff),
    requestTimeout: copyTimeoutMs(cutOff),
  });
  const { CopyObjectResult: result } = answer;
  return stored(result?.ETag, answer.VersionId, result?.ChecksumCRC32, undefined);
}

/** @throws where there is none any more: what was copied from it can no longer be told */
async function headOriginal(
  heads: SourceHeads,
  source: CopySource,
  cutOff: AbortSignal | undefined,
): Promise<HeadObjectCommandOutput> {
  const { bucket, key, versionId } = source;
  try {
    return await heads.head(
      { bucket, key, ...(versionId === undefined ? {} : { versionId }) },
      { withChecksum: true, ...endedBy(cutOff) },
    );
  } catch (error) {
    const { kind, code } = classifyFault(error);
    if (kind !== 'permanent') throw error;
    throw Object.assign(new Error(`its source s3://${bucket}/${key} can't be read any more (${code})`), {
      name: 'SourceUnreadable',
      $metadata: { httpStatusCode: 404 },
    });
  }
}

const CHECKSUMS = [
  'ChecksumCRC64NVME',
  'ChecksumCRC32',
  'ChecksumCRC32C',
  'ChecksumSHA1',
  'ChecksumSHA256',
] as const satisfies readonly (keyof HeadObjectCommandOutput)[];

/**
 * Whether two objects have the same bytes, by a checksum of the whole object that both have, else by their ETags: these differ
 * between an object that was uploaded in parts and its copy, and wherever one of the two is encrypted with KMS. S3 gives a
 * CRC64NVME to what is uploaded without a checksum, and hands it on to copies (API reference, CopyObjectResult).
 */
function isCopyOf(found: HeadObjectCommandOutput, original: HeadObjectCommandOutput): boolean {
  if (found.ContentLength !== original.ContentLength) return false;
  const areWhole = found.ChecksumType !== 'COMPOSITE' && original.ChecksumType !== 'COMPOSITE';
  const common = CHECKSUMS.find(
    (name) => areWhole && found[name] !== undefined && original[name] !== undefined,
  );
  return common === undefined ? found.ETag === original.ETag : found[common] === original[common];
}

function stored(etag = '', versionId?: string, checksum?: string, bytes?: number): StoredObject {
  return {
    etag,
    ...(versionId === undefined ? {} : { versionId }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(bytes === undefined ? {} : { bytes }),
  };
}
