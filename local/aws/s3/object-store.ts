// S3's buckets and objects: fauxqs' store, with versions, with listings in S3's order, and with events of what was done.
import { createHash } from 'node:crypto';
import type { Clock } from '../../../shared/time/clock.ts';
import { S3Error, type S3Object, S3Store } from '../fauxqs-parts.ts';
import { createKeyIndex, type KeyIndex } from './key-index.ts';
import { letGoOfBody, memoryBody } from './object-body.ts';
import { DEFAULT_CONTENT_TYPE } from './object-properties.ts';
import { s3Error } from './s3-answers.ts';
import type { ObjectPlace } from './s3-requests.ts';
import { asS3Object, asStored, type StoredObject, storedObject } from './stored-object.ts';
import { createVersions, parseVersionedKey, type VersionLookup, type Versions } from './versions.ts';

/** What the last call read or wrote, for the headers of its answer and for notifications. */
export interface Touched {
  bucket: string;
  key: string;
  object: S3Object;
  versionId?: string | undefined;
}

type ListOptions = NonNullable<Parameters<InstanceType<typeof S3Store>['listObjects']>[1]>;
export type Listing = ReturnType<InstanceType<typeof S3Store>['listObjects']>;

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
  readonly #clock: Clock;
  #touched: Touched | undefined;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  get #maps(): BucketMaps {
    return this as unknown as BucketMaps;
  }

  setVersioned(bucket: string): void {
    if (!this.#versioned.has(bucket)) this.#versioned.set(bucket, createVersions());
  }

  isVersioned(bucket: string): boolean {
    return this.#versioned.has(bucket);
  }

  /** fauxqs' handlers run from call to answer without a pause, so what they touched belongs to this request. */
  takeTouched(): Touched | undefined {
    const touched = this.#touched;
    this.#touched = undefined;
    return touched;
  }

  /** The object at a place, or the newest version; undefined where there is none. */
  at({ bucket, key, versionId }: ObjectPlace): S3Object | undefined {
    const found = this.#versioned.get(bucket)?.find(key, versionId);
    if (found?.kind === 'version') return found.object;
    return versionId === undefined || versionId === 'null' ? this.#unversioned(bucket, key) : undefined;
  }

  peek(bucket: string, key: string): S3Object | undefined {
    // Most keys that are written are new ones: fauxqs' error for each would cost more than the write.
    return this.#maps.buckets.get(bucket)?.get(key);
  }

  override createBucket(...args: Parameters<InstanceType<typeof S3Store>['createBucket']>): void {
    super.createBucket(...args);
    if (!this.#keys.has(args[0])) this.#keys.set(args[0], createKeyIndex());
  }

  /** A bucket that exists from the start. It may have a name from before 2018, which CreateBucket refuses today. */
  addBucket(name: string): void {
    const { buckets, bucketCreationDates, bucketTypes } = this.#maps;
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

  /** @throws S3Error */
  assertBucket(bucket: string): void {
    if (this.hasBucket(bucket)) return;
    throw s3Error(404, 'NoSuchBucket');
  }

  /** Takes over the holds on the object's bytes, unless it throws. @throws S3Error */
  write(bucket: string, object: StoredObject): Touched {
    this.assertBucket(bucket);
    const { key } = object;
    const replaced = this.#unversioned(bucket, key);
    super.restoreObject(bucket, asS3Object(object));
    if (replaced !== undefined) letGoOfBody(asStored(replaced).content);
    this.#keys.get(bucket)?.add(key);
    const versionId = this.#versioned.get(bucket)?.add(key, asS3Object(object));
    this.#touched = { bucket, key, object: asS3Object(object), versionId };
    return this.#touched;
  }

  /** fauxqs calls it for a form that is posted to the bucket. */
  override putObject(...args: Parameters<InstanceType<typeof S3Store>['putObject']>): S3Object {
    const [bucket, key, bytes, contentType = DEFAULT_CONTENT_TYPE, metadata = {}, more = {}] = args;
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const content = memoryBody(Buffer.from(bytes));
    return this.write(
      bucket,
      storedObject(key, content, { contentType, metadata, ...more, etag }, this.#clock.now()),
    ).object;
  }

  /** @throws S3Error where there is no such object, or no such version of it */
  read({ bucket, key, versionId }: ObjectPlace): StoredObject {
    // An object that an earlier call touched must not count for this one.
    this.#touched = undefined;
    const found = this.#versioned.get(bucket)?.find(key, versionId);
    if (found?.kind === 'version') {
      this.#touched = { bucket, key, object: found.object, versionId: found.versionId };
      return asStored(found.object);
    }
    // An object that is no version has the version id "null" alone.
    const isNamed = versionId !== undefined && versionId !== 'null';
    if (isNamed && found?.kind === 'deleted') throw s3Error(405, 'MethodNotAllowed');
    if (isNamed && found !== undefined) throw noSuchVersion(bucket, key);
    const object = super.getObject(bucket, key);
    if (isNamed) throw noSuchVersion(bucket, key);
    this.#touched = { bucket, key, object };
    return asStored(object);
  }

  /** fauxqs calls it for the attributes of an object. */
  override headObject(bucket: string, keyText: string): S3Object {
    return asS3Object(this.read({ bucket, ...parseVersionedKey(keyText) }));
  }

  override deleteObject(bucket: string, keyText: string): void {
    this.assertBucket(bucket);
    const { key, versionId } = parseVersionedKey(keyText);
    const versions = this.#versioned.get(bucket);
    const isNamed = versionId !== undefined && versionId !== 'null';
    // S3 deletes nothing where there is no such version.
    if (isNamed && (versions?.find(key, versionId).kind ?? 'absent') === 'absent') return;
    if (versions !== undefined && versionId !== undefined) {
      const dropped = versions.find(key, versionId);
      const before = dropped.kind === 'version' ? dropped.object : this.#unversioned(bucket, key);
      this.#restore(bucket, key, versions.drop(key, versionId));
      if (before !== undefined && dropped.kind !== 'deleted') letGoOfBody(asStored(before).content);
      return;
    }
    const gone = this.#unversioned(bucket, key);
    super.deleteObject(bucket, key);
    if (gone !== undefined) letGoOfBody(asStored(gone).content);
    this.#keys.get(bucket)?.remove(key);
    versions?.mark(key);
  }

  override listObjects(bucket: string, options: ListOptions = {}): Listing {
    const keys = this.#keys.get(bucket);
    if (keys === undefined) {
      throw s3Error(404, 'NoSuchBucket', `The specified bucket does not exist: ${bucket}`);
    }
    const { prefix = '', delimiter, maxKeys = DEFAULT_PAGE } = options;
    const after = options.startAfter ?? options.marker ?? '';
    const objects: S3Object[] = [];
    const commonPrefixes = new Set<string>();
    let prefixesBeforeLast = 0;
    for (const key of keys.from(prefix, after)) {
      const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      const common = delimiter && end >= 0 ? key.slice(0, end + delimiter.length) : undefined;
      if (common !== undefined && (commonPrefixes.has(common) || after.startsWith(common))) continue;
      if (objects.length + commonPrefixes.size >= maxKeys) {
        // fauxqs starts the next page behind the last key, so the prefixes that follow that key are left to it.
        const listed = objects.length === 0 ? commonPrefixes.size : prefixesBeforeLast;
        return { objects, commonPrefixes: [...commonPrefixes].slice(0, listed), isTruncated: true };
      }
      if (common !== undefined) {
        commonPrefixes.add(common);
        continue;
      }
      objects.push(super.headObject(bucket, key));
      prefixesBeforeLast = commonPrefixes.size;
    }
    return { objects, commonPrefixes: [...commonPrefixes], isTruncated: false };
  }

  /** The object if it is no version: one of a bucket without versions, or from before it had them. */
  #unversioned(bucket: string, key: string): S3Object | undefined {
    const isVersion = (this.#versioned.get(bucket)?.find(key).kind ?? 'absent') !== 'absent';
    return isVersion ? undefined : this.peek(bucket, key);
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
