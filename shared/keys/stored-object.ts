// The name of one object in S3, or of one version of it.

export interface StoredObject {
  bucket: string;
  key: string;
  /** Absent in a bucket whose objects are written once, or that has no versions yet. */
  versionId?: string;
  /** Without a version: what the object must still be. */
  etag?: string;
}
