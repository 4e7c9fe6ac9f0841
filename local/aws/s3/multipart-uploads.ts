// Multipart uploads under way: their parts, and how they become one object without a copy of their bytes.
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../fauxqs-parts.ts';
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
import {
  type ObjectChecksum,
  type ObjectProperties,
  type StoredObject,
  storedObject,
} from './stored-object.ts';

export interface Upload {
  bucket: string;
  key: string;
  properties: ObjectProperties;
  /** Of the request that began it, for what is kept beside the object's own properties. */
  headers: IncomingHttpHeaders;
  checksum?: { name: ChecksumName; type: ChecksumType };
  initiatedAtMs: number;
}

export interface ListedPart {
  partNumber: number;
  etag: string;
  sizeBytes: number;
  lastModifiedMs: number;
  checksum?: { name: ChecksumName; value: string };
}

export interface PartSpec {
  partNumber: number;
  etag: string;
}

export interface MultipartUploads {
  begin(upload: Upload): string;
  /** @throws S3Error where there is none */
  find(uploadId: string, bucket: string, key: string): Upload;
  /** Takes over the body's holds; they are let go if it throws. @throws S3Error */
  addPart(uploadId: string, partNumber: number, part: TakenBody, nowMs: number): { etag: string };
  /** In the order of their numbers. @throws S3Error */
  parts(uploadId: string): ListedPart[];
  /** The uploads of a bucket, in S3's order: by key, then by when they began. */
  list(bucket: string): (Upload & { uploadId: string })[];
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

interface Part extends TakenBody {
  etag: string;
  lastModifiedMs: number;
}

/** S3 user guide, "Amazon S3 multipart upload limits"; the last part may be smaller. */
const MIN_PART_BYTES = 5 * 1024 ** 2;

export function createMultipartUploads(): MultipartUploads {
  const uploads = new Map<string, Upload & { parts: Map<number, Part> }>();

  function require(uploadId: string) {
    const upload = uploads.get(uploadId);
    if (upload !== undefined) return upload;
    throw new S3Error(
      'NoSuchUpload',
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
      404,
    );
  }

  return {
    begin(upload) {
      const uploadId = randomUUID();
      uploads.set(uploadId, { ...upload, parts: new Map() });
      return uploadId;
    },

    find(uploadId, bucket, key) {
      const upload = require(uploadId);
      // An id is good for its own object alone.
      return upload.bucket === bucket && upload.key === key ? upload : require('');
    },

    addPart(uploadId, partNumber, part, nowMs) {
      try {
        const { parts } = require(uploadId);
        const before = parts.get(partNumber);
        const etag = `"${part.md5}"`;
        parts.set(partNumber, { ...part, etag, lastModifiedMs: nowMs });
        if (before !== undefined) letGoOfBody(before.body);
        return { etag };
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

    parts: (uploadId) =>
      [...require(uploadId).parts]
        .toSorted(([left], [right]) => left - right)
        .map(([partNumber, { etag, body, lastModifiedMs, checksum }]) => ({
          partNumber,
          etag,
          sizeBytes: body.sizeBytes,
          lastModifiedMs,
          ...(checksum === undefined ? {} : { checksum }),
        })),

    list: (bucket) =>
      [...uploads]
        .filter(([, upload]) => upload.bucket === bucket)
        .map(([uploadId, upload]) => ({ ...upload, uploadId }))
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
      throw new S3Error(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
        400,
      );
    }
    const part = parts.get(partNumber);
    if (part === undefined || part.etag.replaceAll('"', '') !== etag.replaceAll('"', '')) {
      throw new S3Error(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        400,
      );
    }
    if (index < specs.length - 1 && part.body.sizeBytes < MIN_PART_BYTES) {
      throw new S3Error(
        'EntityTooSmall',
        'Your proposed upload is smaller than the minimum allowed size',
        400,
      );
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
    const checksumValue = compositeChecksum(name, values);
    return { checksumAlgorithm: name, checksumValue, checksumType: type, partChecksums };
  }
  if (!isCrc(name)) return {};
  const checksumValue = fullObjectChecksum(name, values);
  return { checksumAlgorithm: name, checksumValue, checksumType: type, partChecksums };
}
