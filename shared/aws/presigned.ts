// Requests that others may send under this process's role: links to objects, and forms with which an object is uploaded. They
// hold until they expire, or until the credentials that signed them do.
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { StoredObject } from '../keys/stored-object.ts';

/** Where a form is posted to, and its fields. The file is the last field, named `file`. */
export interface UploadForm {
  url: string;
  fields: Record<string, string>;
}

export interface UploadTerms {
  contentType: string;
  metadata: Readonly<Record<string, string>>;
  /** Bytes of the file, both included. */
  sizeBytes: { least: number; most: number };
}

export interface Presigner {
  /** @returns a link that downloads the object, under the last name of its key */
  linkTo(object: Pick<StoredObject, 'bucket' | 'key'>, seconds: number): Promise<string>;
  /** @returns a form that S3 takes with just these terms: the caller can't change them */
  formFor(
    object: Pick<StoredObject, 'bucket' | 'key'>,
    terms: UploadTerms,
    seconds: number,
  ): Promise<UploadForm>;
}

export function createPresigner(s3: S3Client): Presigner {
  return {
    linkTo({ bucket, key }, seconds) {
      const name = key.slice(key.lastIndexOf('/') + 1).replace(/[^\w.-]/g, '_');
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ResponseContentDisposition: `attachment; filename="${name}"`,
      });
      return getSignedUrl(s3, command, { expiresIn: seconds });
    },

    formFor({ bucket, key }, { contentType, metadata, sizeBytes }, seconds) {
      const named = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
      return createPresignedPost(s3, {
        Bucket: bucket,
        Key: key,
        Conditions: [['content-length-range', sizeBytes.least, sizeBytes.most]],
        // A condition of equality is made of each field.
        Fields: { 'Content-Type': contentType, ...Object.fromEntries(named) },
        Expires: seconds,
      });
    },
  };
}
