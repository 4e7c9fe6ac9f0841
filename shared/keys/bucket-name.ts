// What a bucket may be called: today's names, and the ones that us-east-1 gave out before March 2018.

/**
 * Letters in both cases, digits, dots, hyphens and underscores. Names of up to 255 characters with capitals and underscores
 * still exist (S3 user guide, "Bucket naming rules"); botocore checks the same characters. The SDK addresses such a bucket
 * by path. S3 itself refuses what no bucket can have.
 */
const BUCKET_NAME = /^[A-Za-z0-9._-]{3,255}$/;

/** Names of dots alone are path segments that HTTP clients resolve, not buckets. */
export function isBucketName(text: string): boolean {
  return BUCKET_NAME.test(text) && !/^\.+$/.test(text);
}
