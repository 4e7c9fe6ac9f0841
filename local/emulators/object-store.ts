// S3's buckets and objects: fauxqs' store, with versions, with listings in S3's order, and with word of what was done.
import { S3Error, type S3Object, S3Store } from './fauxqs-parts.ts';
import { createKeyIndex, type KeyIndex } from './key-index.ts';
import { createVersions, parseVersionedKey, type VersionLookup, type Versions } from './versions.ts';

/** What the last call read or wrote, for the headers of its answer and for notifications. */
export interface Touched {
  bucket: string;
  key: string;
  object: S3Object;
  versionId?: string;
}

type ListOptions = NonNullable<Parameters<InstanceType<typeof S3Store>['listObjects']>[1]>;
type Listing = ReturnType<InstanceType<typeof S3Store>['listObjects']>;

/** fauxqs' private members: its createBucket leaves a bucket alone that is in them. */
interface BucketMaps {
  buckets: Map<string, Map<string, S3Object>>;
  bucketCreationDates: Map<string, Date>;
  bucketTypes: Map<string, string>;
}

const DEFAULT_PAGE = 1000;

export class ObjectStore extends S3Store {
  readonly #versioned = new Map<string, Versions>();
  readonly #keys = new Map<string, KeyIndex>();
  readonly #bucketOfUpload = new Map<string, string>();
  #touched: Touched | undefined;

  setVersioned(bucket: string): void {
    if (!this.#versioned.has(bucket)) this.#versioned.set(bucket, createVersions());
  }

  isVersioned(bucket: string): boolean {
    return this.#versioned.has(bucket);
  }

  /** fauxqs' handlers run from call to answer without a pause: what is taken there is this request's. */
  takeTouched(): Touched | undefined {
    const touched = this.#touched;
    this.#touched = undefined;
    return touched;
  }

  peek(bucket: string, key: string): S3Object | undefined {
    try {
      return super.headObject(bucket, key);
    } catch {
      return undefined;
    }
  }

  override createBucket(...args: Parameters<InstanceType<typeof S3Store>['createBucket']>): void {
    super.createBucket(...args);
    if (!this.#keys.has(args[0])) this.#keys.set(args[0], createKeyIndex());
  }

  /** A bucket that exists from the start. It may have a name from before 2018, which CreateBucket refuses today. */
  addBucket(name: string): void {
    const { buckets, bucketCreationDates, bucketTypes } = this as unknown as BucketMaps;
    buckets.set(name, new Map());
    bucketCreationDates.set(name, new Date());
    bucketTypes.set(name, 'general-purpose');
    this.createBucket(name);
  }

  override deleteBucket(name: string): void {
    super.deleteBucket(name);
    this.#keys.delete(name);
    this.#versioned.delete(name);
  }

  override putObject(...args: Parameters<InstanceType<typeof S3Store>['putObject']>): S3Object {
    return this.#wrote(args[0], args[1], super.putObject(...args));
  }

  override completeMultipartUpload(
    uploadId: string,
    parts: { partNumber: number; etag: string }[],
  ): S3Object {
    const object = super.completeMultipartUpload(uploadId, parts);
    const bucket = this.#bucketOfUpload.get(uploadId) ?? '';
    this.#bucketOfUpload.delete(uploadId);
    return this.#wrote(bucket, object.key, object);
  }

  override createMultipartUpload(
    ...args: Parameters<InstanceType<typeof S3Store>['createMultipartUpload']>
  ): string {
    const uploadId = super.createMultipartUpload(...args);
    this.#bucketOfUpload.set(uploadId, args[0]);
    return uploadId;
  }

  override abortMultipartUpload(uploadId: string): void {
    super.abortMultipartUpload(uploadId);
    this.#bucketOfUpload.delete(uploadId);
  }

  override getObject(bucket: string, keyText: string): S3Object {
    return this.#read(bucket, keyText);
  }

  override headObject(bucket: string, keyText: string): S3Object {
    return this.#read(bucket, keyText);
  }

  override deleteObject(bucket: string, keyText: string): void {
    const { key, versionId } = parseVersionedKey(keyText);
    const versions = this.#versioned.get(bucket);
    if (versions !== undefined && versionId !== undefined) {
      this.#restore(bucket, key, versions.drop(key, versionId));
      return;
    }
    super.deleteObject(bucket, key);
    this.#keys.get(bucket)?.remove(key);
    versions?.mark(key);
  }

  override listObjects(bucket: string, options: ListOptions = {}): Listing {
    const keys = this.#keys.get(bucket);
    if (keys === undefined) {
      throw new S3Error('NoSuchBucket', `The specified bucket does not exist: ${bucket}`, 404);
    }
    const { prefix = '', delimiter, maxKeys = DEFAULT_PAGE } = options;
    const after = options.startAfter ?? options.marker ?? '';
    const objects: S3Object[] = [];
    const commonPrefixes = new Set<string>();
    for (const key of keys.from(prefix, after)) {
      const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      const common = delimiter && end >= 0 ? key.slice(0, end + delimiter.length) : undefined;
      if (common !== undefined && (commonPrefixes.has(common) || after.startsWith(common))) continue;
      if (objects.length + commonPrefixes.size >= maxKeys) {
        return { objects, commonPrefixes: [...commonPrefixes], isTruncated: true };
      }
      if (common === undefined) objects.push(super.headObject(bucket, key));
      else commonPrefixes.add(common);
    }
    return { objects, commonPrefixes: [...commonPrefixes], isTruncated: false };
  }

  #wrote(bucket: string, key: string, object: S3Object): S3Object {
    this.#keys.get(bucket)?.add(key);
    const versionId = this.#versioned.get(bucket)?.add(key, object);
    this.#touched = { bucket, key, object, ...(versionId === undefined ? {} : { versionId }) };
    return object;
  }

  #read(bucket: string, keyText: string): S3Object {
    const { key, versionId } = parseVersionedKey(keyText);
    const versions = this.#versioned.get(bucket);
    if (versions === undefined || (versionId === 'null' && versions.find(key, versionId).kind === 'absent')) {
      const object = super.getObject(bucket, key);
      // A bucket without versions knows its objects by the version id "null" alone.
      if (versionId !== undefined && versionId !== 'null') throw noSuchVersion(bucket, key);
      this.#touched = { bucket, key, object };
      return object;
    }
    const found = versions.find(key, versionId);
    if (found.kind === 'version') {
      this.#touched = { bucket, key, object: found.object, versionId: found.versionId };
      return found.object;
    }
    if (versionId === undefined) return super.getObject(bucket, key);
    if (found.kind === 'absent') throw noSuchVersion(bucket, key);
    throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405);
  }

  #restore(bucket: string, key: string, newest: VersionLookup): void {
    if (newest.kind === 'version') {
      super.restoreObject(bucket, newest.object);
      this.#keys.get(bucket)?.add(key);
      return;
    }
    super.deleteObject(bucket, key);
    this.#keys.get(bucket)?.remove(key);
  }
}

function noSuchVersion(bucket: string, key: string): Error {
  return new S3Error('NoSuchVersion', 'The specified version does not exist.', 404, `/${bucket}/${key}`);
}
