// Requests that others may send under this process's role: links to objects, and forms with which an object is uploaded. They
// hold until they expire, or until the credentials that signed them do.
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { StoredObject } from '../keys/stored-object.ts';

export interface UploadTerms {
  contentType: string;
  metadata: Readonly<Record<string, string>>;
  /** Bytes of the file, both included. */
  sizeBytes: { least: number; most: number };
}

export type Presigner = ReturnType<typeof createPresigner>;
type Place = Pick<StoredObject, 'bucket' | 'key'>;

export function createPresigner(s3: S3Client) {
  return {
    /** @returns a link that downloads the object, under the last name of its key */
    linkTo({ bucket, key }: Place, seconds: number): Promise<string> {
      const name = key.slice(key.lastIndexOf('/') + 1).replace(/[^\w.-]/g, '_');
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ResponseContentDisposition: `attachment; filename="${name}"`,
      });
      return getSignedUrl(s3, command, { expiresIn: seconds });
    },

    /**
     * @returns the URL that the form is posted to, and its fields. The file is the last field, named `file`. S3 refuses a form
     *   with other values
     */
    formFor({ bucket, key }: Place, { contentType, metadata, sizeBytes }: UploadTerms, seconds: number) {
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
