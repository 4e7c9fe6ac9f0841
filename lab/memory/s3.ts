// S3 in memory behind a client's `send`, as far as the pipeline uses it for manifests and reports.
// A contract suite holds its answers against those of the embedded S3. A bucket exists once it is used.
import { hash } from 'node:crypto';
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
import { compareKeys } from '../../local/aws/s3/key-order.ts';
import { DEFAULT_CONTENT_TYPE } from '../../local/aws/s3/object-properties.ts';

/** As S3 has it. */
const PAGE_KEYS = 1_000;
/** Of a body that is put without a type. */
const SDK_CONTENT_TYPE = 'application/octet-stream';
/** Of every part but the last. */
const LEAST_PART_BYTES = 5 * 1024 ** 2;

interface StoredObject {
  body: Buffer;
  etag: string;
  contentType: string;
  metadata: Record<string, string>;
}

type Properties = Partial<Pick<StoredObject, 'contentType' | 'metadata'>>;

interface Upload {
  bucket: string;
  key: string;
  properties: Properties;
  parts: Map<number, { body: Buffer; etag: string }>;
}

export interface MemoryS3 {
  client: S3Client;
  /** @throws NoSuchKey */
  read(bucket: string, key: string): Buffer;
  object(bucket: string, key: string): StoredObject | undefined;
  keys(bucket: string, prefix?: string): string[];
  write(bucket: string, key: string, body: string | Uint8Array, properties?: Properties): void;
  remove(bucket: string, key: string): void;
  /** Keys of the multipart uploads that were begun, and neither completed nor aborted. */
  openUploads(): string[];
}

/** @param versioned buckets that keep every version of a key; a key's first version is v1 */
export function createMemoryS3({ versioned = [] }: { versioned?: readonly string[] } = {}): MemoryS3 {
  /** By bucket and key, the newest version last; undefined: a delete marker. Elsewhere than in versioned buckets there is one. */
  const buckets = new Map<string, Map<string, (StoredObject | undefined)[]>>();
  const uploads = new Map<string, Upload>();
  let uploadIds = 0;

  const bucketOf = (name = '') => {
    const bucket = buckets.get(name) ?? new Map<string, (StoredObject | undefined)[]>();
    buckets.set(name, bucket);
    return bucket;
  };
  const newest = (bucket = '', key = '') => bucketOf(bucket).get(key)?.at(-1);
  const isVersioned = (bucket = '') => versioned.includes(bucket);

  function store(bucket: string, key: string, object: StoredObject | undefined): { VersionId?: string } {
    const versions = isVersioned(bucket) ? [...(bucketOf(bucket).get(key) ?? []), object] : [object];
    bucketOf(bucket).set(key, versions);
    return isVersioned(bucket) ? { VersionId: `v${versions.length}` } : {};
  }

  function remove(bucket: string, key: string): void {
    if (isVersioned(bucket)) store(bucket, key, undefined);
    else bucketOf(bucket).delete(key);
  }

  function find({ Bucket = '', Key = '', VersionId }: Place, absent = 'NoSuchKey'): StoredObject {
    const versions = bucketOf(Bucket).get(Key) ?? [];
    if (VersionId === undefined) return versions.at(-1) ?? refuse(absent, 404);
    const object = isVersioned(Bucket) ? versions[Number(VersionId.slice(1)) - 1] : undefined;
    return object ?? refuse(absent === 'NotFound' ? absent : 'NoSuchVersion', 404);
  }

  function openUpload({ Bucket, Key, UploadId = '' }: Place & { UploadId?: string | undefined }): Upload {
    const upload = uploads.get(UploadId);
    if (upload === undefined || upload.bucket !== Bucket || upload.key !== Key) refuse('NoSuchUpload', 404);
    return upload;
  }

  /** Of a write that is to create its object alone. */
  function checkAbsent({ Bucket, Key, IfNoneMatch }: Place & { IfNoneMatch?: string | undefined }): void {
    if (IfNoneMatch === '*' && newest(Bucket, Key) !== undefined) refuse('PreconditionFailed', 412);
  }

  const keys = (bucket = '', prefix = '') =>
    [...bucketOf(bucket).keys()]
      .filter((key) => key.startsWith(prefix) && newest(bucket, key) !== undefined)
      .toSorted(compareKeys);

  const listed = (bucket: string | undefined, key: string) => {
    const object = newest(bucket, key);
    return { Key: key, Size: object?.body.length, ETag: object?.etag };
  };

  const answers = new Map<unknown, (input: object) => object>();
  const on = <Input extends object>(
    command: new (input: Input) => object,
    answer: (input: Input) => object,
  ) => answers.set(command, answer as (input: object) => object);

  on(PutObjectCommand, (input) => {
    checkAbsent(input);
    const { Bucket = '', Key = '', Body, ContentType = SDK_CONTENT_TYPE, Metadata = {} } = input;
    const properties = { contentType: ContentType, metadata: Metadata };
    const object = objectOf(Buffer.from(Body as Uint8Array), properties);
    return { ETag: object.etag, ...store(Bucket, Key, object) };
  });
  on(GetObjectCommand, (input) => {
    const object = find(input);
    const { Range, IfMatch } = input;
    if (IfMatch !== undefined && IfMatch !== object.etag) refuse('PreconditionFailed', 412);
    const part = Range === undefined ? object.body : rangeOf(object.body, Range);
    return { ...headOf(object), Body: bodyOf(part), ContentLength: part.length };
  });
  on(HeadObjectCommand, (input) => {
    const object = find(input, 'NotFound');
    const versions = bucketOf(input.Bucket ?? '').get(input.Key ?? '') ?? [];
    return {
      ...headOf(object),
      ...(isVersioned(input.Bucket) ? { VersionId: `v${versions.indexOf(object) + 1}` } : {}),
    };
  });
  on(ListObjectsV2Command, ({ Bucket, Prefix, StartAfter = '', ContinuationToken, MaxKeys = PAGE_KEYS }) => {
    const after = ContinuationToken ?? StartAfter;
    const left = keys(Bucket, Prefix).filter((key) => compareKeys(key, after) > 0);
    const page = left.slice(0, MaxKeys);
    const isTruncated = left.length > page.length;
    return {
      ...(page.length === 0 ? {} : { Contents: page.map((Key) => listed(Bucket, Key)) }),
      KeyCount: page.length,
      IsTruncated: isTruncated,
      ...(isTruncated ? { NextContinuationToken: page.at(-1) } : {}),
    };
  });
  on(DeleteObjectsCommand, ({ Bucket = '', Delete }) => {
    for (const { Key = '' } of Delete?.Objects ?? []) remove(Bucket, Key);
    return {};
  });
  on(CreateMultipartUploadCommand, (input) => {
    const { Bucket = '', Key = '', ContentType = DEFAULT_CONTENT_TYPE, Metadata = {} } = input;
    const UploadId = `upload-${uploadIds++}`;
    const properties = { contentType: ContentType, metadata: Metadata };
    uploads.set(UploadId, { bucket: Bucket, key: Key, properties, parts: new Map() });
    return { UploadId };
  });
  on(UploadPartCommand, (input) => {
    const body = Buffer.from(input.Body as Uint8Array);
    const etag = etagOf(body);
    openUpload(input).parts.set(input.PartNumber ?? 0, { body, etag });
    return { ETag: etag };
  });
  on(CompleteMultipartUploadCommand, (input) => {
    const { bucket, key, properties, parts } = openUpload(input);
    checkAbsent(input);
    const listed = (input.MultipartUpload?.Parts ?? []).map(({ PartNumber = 0, ETag }) => {
      const part = parts.get(PartNumber);
      return part === undefined || part.etag !== ETag ? refuse('InvalidPart', 400) : part;
    });
    if (listed.slice(0, -1).some(({ body }) => body.length < LEAST_PART_BYTES)) refuse('EntityTooSmall', 400);
    uploads.delete(input.UploadId ?? '');
    const digests = Buffer.concat(listed.map(({ etag }) => Buffer.from(etag.slice(1, -1), 'hex')));
    const etag = `"${hash('md5', digests)}-${listed.length}"`;
    const object = objectOf(Buffer.concat(listed.map(({ body }) => body)), properties, etag);
    return { ETag: etag, ...store(bucket, key, object) };
  });
  on(AbortMultipartUploadCommand, (input) => {
    openUpload(input);
    uploads.delete(input.UploadId ?? '');
    return {};
  });

  async function send(command: { input: object }): Promise<object> {
    const answer = answers.get(command.constructor);
    if (answer === undefined) throw new Error(`S3 in memory does not know ${command.constructor.name}`);
    return answer(command.input);
  }

  return {
    client: { send, config: CONFIG } as unknown as S3Client,
    read: (Bucket, Key) => find({ Bucket, Key }).body,
    object: newest,
    keys,
    write: (bucket, key, body, properties) =>
      void store(bucket, key, objectOf(Buffer.from(body as Uint8Array), properties)),
    remove,
    openUploads: () => [...uploads.values()].map(({ key }) => key),
  };
}

interface Place {
  Bucket?: string | undefined;
  Key?: string | undefined;
  VersionId?: string | undefined;
}

/** What the writers ask of a client's configuration. */
const CONFIG = {
  requestChecksumCalculation: () => Promise.resolve('WHEN_SUPPORTED'),
  responseChecksumValidation: () => Promise.resolve('WHEN_SUPPORTED'),
};

/** As the SDK throws what S3 refused. */
function refuse(name: string, httpStatusCode: number): never {
  throw Object.assign(new Error(name), { name, $fault: 'client', $metadata: { httpStatusCode } });
}

function objectOf(body: Buffer, properties: Properties = {}, etag = etagOf(body)): StoredObject {
  return { body, etag, contentType: DEFAULT_CONTENT_TYPE, metadata: {}, ...properties };
}

function headOf({ body, etag, contentType, metadata }: StoredObject) {
  return { ContentLength: body.length, ETag: etag, ContentType: contentType, Metadata: metadata };
}

function rangeOf(body: Buffer, range: string): Buffer {
  const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  if (from === '' || Number(from) >= body.length) refuse('InvalidRange', 416);
  return body.subarray(Number(from), to === '' ? body.length : Number(to) + 1);
}

function etagOf(body: Buffer): string {
  return `"${hash('md5', body)}"`;
}

function bodyOf(part: Buffer) {
  return Object.assign(Readable.from([part], { objectMode: false }), {
    transformToString: async () => part.toString(),
    transformToByteArray: async () => part,
  });
}
