// Puts the files into a source bucket, as a migration would find them in S3, and remembers what it put there.
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { Failure } from '../failure.ts';
import { bytesText } from '../text.ts';
import { type ChosenFiles, faultOf } from './files.ts';

/** Files larger than this go in parts of this size. */
const PART_BYTES = 8 * 1024 * 1024;
const CONCURRENCY = 16;
/** The embedded cloud keeps objects in memory, and both buckets hold each of these. */
const STAGED_BYTES_MOST = 1024 ** 3;

export interface StagedFile {
  key: string;
  sizeBytes: number;
  /** Of the bytes that were staged, whatever becomes of the file afterwards. */
  sha256: string;
}

export async function stageFiles(
  s3: S3Client,
  bucket: string,
  { folder, keys }: ChosenFiles,
  onStaged: (files: number) => void,
): Promise<StagedFile[]> {
  let files = 0;
  let bytes = 0;
  const take = (sizeBytes: number): void => {
    bytes += sizeBytes;
    if (bytes > STAGED_BYTES_MOST) {
      throw new Failure(
        `the files are larger than ${bytesText(STAGED_BYTES_MOST)} together, which is kept in memory: take fewer with --files`,
      );
    }
  };
  return await pMap(
    keys,
    async (key) => {
      const staged = await stageFile(s3, bucket, { folder, key, take });
      files += 1;
      onStaged(files);
      return staged;
    },
    { concurrency: CONCURRENCY },
  );
}

async function stageFile(
  s3: S3Client,
  bucket: string,
  { folder, key, take }: { folder: string; key: string; take: (sizeBytes: number) => void },
): Promise<StagedFile> {
  const file = path.join(folder, key);
  const unreadable = (cause: NodeJS.ErrnoException): never => {
    const remedy =
      cause.code === 'ENOENT'
        ? 'it was deleted since the folder was read, or its name is not UTF-8; run again'
        : 'leave it out, or let it be read';
    throw new Failure(`${file} ${faultOf(cause)}: ${remedy}`, { cause });
  };
  const handle = await open(file).catch(unreadable);
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const nextPart = async (): Promise<Buffer> => {
      const part = await readPart(handle).catch(unreadable);
      take(part.length);
      hash.update(part);
      sizeBytes += part.length;
      return part;
    };
    const first = await nextPart();
    if (first.length < PART_BYTES) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: first }));
    } else await putInParts(s3, { Bucket: bucket, Key: key }, first, nextPart);
    return { key, sizeBytes, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

/** Up to a part's bytes from where the file stands; fewer only at its end. */
async function readPart(handle: FileHandle): Promise<Buffer> {
  const { size } = await handle.stat();
  const part = Buffer.allocUnsafe(Math.min(PART_BYTES, size + 1));
  let filled = 0;
  while (filled < part.length) {
    const { bytesRead } = await handle.read(part, filled, part.length - filled, null);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return part.subarray(0, filled);
}

async function putInParts(
  s3: S3Client,
  at: { Bucket: string; Key: string },
  first: Buffer,
  nextPart: () => Promise<Buffer>,
): Promise<void> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at));
  try {
    const parts: CompletedPart[] = [];
    for (let part = first; part.length > 0; part = await nextPart()) {
      const PartNumber = parts.length + 1;
      const { ETag } = await s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body: part }));
      parts.push({ PartNumber, ...(ETag === undefined ? {} : { ETag }) });
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    await s3.send(new AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => undefined);
    throw error;
  }
}
