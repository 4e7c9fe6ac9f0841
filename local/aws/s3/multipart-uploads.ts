// Multipart uploads under way: their parts, and how they become one object without a copy of their bytes.
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { TakenBody } from './body-intake.ts';
import {
  type ChecksumName,
  type ChecksumType,
  compositeChecksum,
  fullObjectChecksum,
  isCrc,
} from './checksums.ts';
import { compareKeys } from './key-order.ts';
import { joinBodies, letGoOfBody } from './object-body.ts';
import { s3Error } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';
import {
  type ObjectChecksum,
  type ObjectProperties,
  objectChecksum,
  type StoredObject,
  storedObject,
} from './stored-object.ts';

interface Upload {
  bucket: string;
  key: string;
  properties: ObjectProperties;
  /** Of the request that began it, for what is kept beside the object's own properties. */
  headers: IncomingHttpHeaders;
  checksum: { name: ChecksumName; type: ChecksumType } | undefined;
  initiatedAtMs: number;
}

export interface Part extends TakenBody {
  lastModifiedMs: number;
}

export interface OpenUpload extends Upload {
  uploadId: string;
  /** By their numbers. */
  parts: ReadonlyMap<number, Part>;
}

export interface PartSpec {
  partNumber: number;
  /** Without quotes. */
  etag: string;
}

export interface MultipartUploads {
  /** @returns its id */
  begin(upload: Upload): string;
  /** The upload that a request names. @throws S3Error where there is none */
  find(request: Pick<S3Request, 'bucket' | 'key' | 'query'>): OpenUpload;
  /** Takes over the body's holds; they are let go if it throws. @throws S3Error */
  addPart(uploadId: string, partNumber: number, part: TakenBody, nowMs: number): void;
  /** The uploads of a bucket, in S3's order: by key, then by when they began. */
  list(bucket: string): OpenUpload[];
  /**
   * Ends the upload.
   * @param accept throws what keeps the object from being made
   * @throws S3Error, and the upload goes on then
   */
  complete(
    uploadId: string,
    specs: readonly PartSpec[],
    nowMs: number,
    accept: (checksum: ObjectChecksum) => void,
  ): StoredObject;
  abort(uploadId: string): void;
}

/** S3 user guide, "Amazon S3 multipart upload limits"; the last part may be smaller. */
const MIN_PART_BYTES = 5 * 1024 ** 2;

export function createMultipartUploads(): MultipartUploads {
  const uploads = new Map<string, OpenUpload & { parts: Map<number, Part> }>();

  function require(uploadId: string) {
    const upload = uploads.get(uploadId);
    if (upload !== undefined) return upload;
    throw s3Error(404, 'NoSuchUpload');
  }

  return {
    begin(upload) {
      const uploadId = randomUUID();
      uploads.set(uploadId, { ...upload, uploadId, parts: new Map() });
      return uploadId;
    },

    find({ bucket, key, query }) {
      const upload = require(query.get('uploadId') ?? '');
      // An id is good for its own object alone.
      return upload.bucket === bucket && upload.key === key ? upload : require('');
    },

    addPart(uploadId, partNumber, part, nowMs) {
      try {
        const { parts } = require(uploadId);
        const before = parts.get(partNumber);
        parts.set(partNumber, { ...part, lastModifiedMs: nowMs });
        if (before !== undefined) letGoOfBody(before.body);
      } catch (error) {
        letGoOfBody(part.body);
        throw error;
      }
    },

    complete(uploadId, specs, nowMs, accept) {
      const upload = require(uploadId);
      const parts = chosenParts(upload.parts, specs);
      const md5s = parts.map(({ md5 }) => Buffer.from(md5, 'hex'));
      const etag = `"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${parts.length}"`;
      let offset = 0;
      const bounds = parts.map(({ body }, index) => {
        const bound = { partNumber: specs[index]?.partNumber ?? 0, offset, length: body.sizeBytes };
        offset += body.sizeBytes;
        return bound;
      });
      const content = joinBodies(parts.map(({ body }) => body));
      const checksum = joinedChecksum(upload, parts);
      accept(checksum);
      const more = { ...upload.properties, ...checksum, etag, parts: bounds };
      uploads.delete(uploadId);
      for (const part of upload.parts.values()) if (!parts.includes(part)) letGoOfBody(part.body);
      return storedObject(upload.key, content, more, nowMs);
    },

    list: (bucket) =>
      [...uploads.values()]
        .filter((upload) => upload.bucket === bucket)
        .toSorted(
          (left, right) => compareKeys(left.key, right.key) || left.initiatedAtMs - right.initiatedAtMs,
        ),

    abort(uploadId) {
      for (const { body } of require(uploadId).parts.values()) letGoOfBody(body);
      uploads.delete(uploadId);
    },
  };
}

/** @throws S3Error */
function chosenParts(parts: ReadonlyMap<number, Part>, specs: readonly PartSpec[]): Part[] {
  return specs.map(({ partNumber, etag }, index) => {
    if (index > 0 && partNumber <= (specs[index - 1]?.partNumber ?? 0)) {
      throw s3Error(400, 'InvalidPartOrder');
    }
    const part = parts.get(partNumber);
    if (part?.md5 !== etag) throw s3Error(400, 'InvalidPart');
    if (index < specs.length - 1 && part.body.sizeBytes < MIN_PART_BYTES) {
      throw s3Error(400, 'EntityTooSmall');
    }
    return part;
  });
}

function joinedChecksum({ checksum }: Upload, parts: readonly Part[]): ObjectChecksum {
  if (checksum === undefined) return {};
  const { name, type } = checksum;
  const values = parts.flatMap(({ body, checksum: own }) =>
    own?.name === name ? [{ value: own.value, sizeBytes: body.sizeBytes }] : [],
  );
  if (values.length < parts.length) return {};
  const partChecksums = values.map(({ value }) => value);
  if (type === 'COMPOSITE') {
    return { ...objectChecksum({ name, value: compositeChecksum(name, values) }, type), partChecksums };
  }
  if (!isCrc(name)) return {};
  return { ...objectChecksum({ name, value: fullObjectChecksum(name, values) }, type), partChecksums };
}
