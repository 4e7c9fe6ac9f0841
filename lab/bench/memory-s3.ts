// S3 in memory, as far as the functions use it for manifests and reports: for what measures or tests the ledger, not S3.
// Its answers are shaped as the SDK's; it keeps the newest version of each key alone.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/** As S3 has it. */
const PAGE_KEYS = 1_000;

interface StoredObject {
  body: Buffer;
  contentType: string | undefined;
  metadata: Record<string, string>;
}

export interface MemoryS3 {
  client: S3Client;
  /** @throws where there is none */
  read(bucket: string, key: string): Buffer;
  keys(bucket: string, prefix?: string): string[];
  write(bucket: string, key: string, body: string | Uint8Array, more?: Partial<StoredObject>): void;
}

class NoSuchKey extends Error {
  override readonly name = 'NoSuchKey';
  readonly $metadata = { httpStatusCode: 404 };
}

class PreconditionFailed extends Error {
  override readonly name = 'PreconditionFailed';
  readonly $metadata = { httpStatusCode: 412 };
}

/** What the writers ask a client's configuration for. */
export const STAND_IN_CONFIG = {
  requestChecksumCalculation: () => Promise.resolve('WHEN_SUPPORTED'),
  responseChecksumValidation: () => Promise.resolve('WHEN_SUPPORTED'),
};

export function createMemoryS3(): MemoryS3 {
  const buckets = new Map<string, Map<string, StoredObject>>();
  const bucketOf = (name = '') => {
    const bucket = buckets.get(name) ?? new Map<string, StoredObject>();
    buckets.set(name, bucket);
    return bucket;
  };
  const find = (bucket: string | undefined, key: string | undefined): StoredObject => {
    const object = bucketOf(bucket).get(key ?? '');
    if (object === undefined) throw new NoSuchKey(`no object ${key} in ${bucket}`);
    return object;
  };
  const keys = (bucket: string | undefined, prefix = '') =>
    [...bucketOf(bucket).keys()].filter((key) => key.startsWith(prefix)).toSorted();

  /** By upload id: the parts so far, by number. */
  const uploads = new Map<string, Map<number, Buffer>>();
  let uploadIds = 0;

  function answerUpload(command: unknown): unknown {
    if (command instanceof CreateMultipartUploadCommand) {
      const UploadId = `upload-${uploadIds++}`;
      uploads.set(UploadId, new Map());
      return { UploadId };
    }
    if (command instanceof UploadPartCommand) {
      const { UploadId = '', PartNumber = 0, Body } = command.input;
      const part = Buffer.from(Body as Uint8Array);
      uploads.get(UploadId)?.set(PartNumber, part);
      return { ETag: etagOf(part) };
    }
    if (command instanceof CompleteMultipartUploadCommand) {
      const { Bucket, Key = '', UploadId = '' } = command.input;
      const parts = [...(uploads.get(UploadId) ?? [])].toSorted(([left], [right]) => left - right);
      const body = Buffer.concat(parts.map(([, part]) => part));
      bucketOf(Bucket).set(Key, { body, contentType: undefined, metadata: {} });
      uploads.delete(UploadId);
      return { ETag: etagOf(body) };
    }
    if (command instanceof AbortMultipartUploadCommand) {
      uploads.delete(command.input.UploadId ?? '');
      return {};
    }
    return undefined;
  }

  async function send(command: unknown): Promise<unknown> {
    if (command instanceof PutObjectCommand) {
      const { Bucket, Key = '', Body, ContentType, Metadata = {}, IfNoneMatch } = command.input;
      if (IfNoneMatch === '*' && bucketOf(Bucket).has(Key)) throw new PreconditionFailed(`${Key} is there`);
      const body = Buffer.from(Body as Uint8Array);
      bucketOf(Bucket).set(Key, { body, contentType: ContentType, metadata: Metadata });
      return { ETag: etagOf(body) };
    }
    if (command instanceof GetObjectCommand) {
      const { Bucket, Key, Range, IfMatch } = command.input;
      const { body, contentType, metadata } = find(Bucket, Key);
      if (IfMatch !== undefined && IfMatch !== etagOf(body))
        throw new PreconditionFailed(`${Key} is another`);
      const [from, to] = /^bytes=(\d+)-(\d+)$/
        .exec(Range ?? '')
        ?.slice(1)
        .map(Number) ?? [0, body.length - 1];
      const part = body.subarray(from, (to ?? 0) + 1);
      return {
        Body: bodyOf(part),
        ContentLength: part.length,
        ContentType: contentType,
        Metadata: metadata,
        ETag: etagOf(body),
      };
    }
    if (command instanceof HeadObjectCommand) {
      const { body, contentType, metadata } = find(command.input.Bucket, command.input.Key);
      return { ContentLength: body.length, ContentType: contentType, Metadata: metadata, ETag: etagOf(body) };
    }
    if (command instanceof ListObjectsV2Command) {
      const { Bucket, Prefix, ContinuationToken = '' } = command.input;
      const left = keys(Bucket, Prefix).filter((key) => key > ContinuationToken);
      const page = left.slice(0, PAGE_KEYS);
      return {
        Contents: page.map((Key) => ({ Key })),
        ...(left.length > page.length ? { NextContinuationToken: page.at(-1) } : {}),
      };
    }
    if (command instanceof DeleteObjectsCommand) {
      for (const { Key = '' } of command.input.Delete?.Objects ?? [])
        bucketOf(command.input.Bucket).delete(Key);
      return {};
    }
    const ofUpload = answerUpload(command);
    if (ofUpload !== undefined) return ofUpload;
    throw new Error(`the S3 in memory does not know ${(command as object).constructor.name}`);
  }

  return {
    client: { send, config: STAND_IN_CONFIG } as unknown as S3Client,
    read: (bucket, key) => find(bucket, key).body,
    keys,
    write(bucket, key, body, more = {}) {
      bucketOf(bucket).set(key, { body: Buffer.from(body), contentType: undefined, metadata: {}, ...more });
    },
  };
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function bodyOf(part: Buffer) {
  return Object.assign(Readable.from([part], { objectMode: false }), {
    transformToString: async () => part.toString(),
    transformToByteArray: async () => part,
  });
}
