// Lists a bucket, page after page.
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

/** Size and ETag are absent where an endpoint lists without them. */
export interface ListedObject {
  key: string;
  sizeBytes: number | undefined;
  etag: string | undefined;
}

/** The objects below a prefix, in the order of their keys. */
export async function* listObjects(
  s3: Pick<S3Client, 'send'>,
  bucket: string,
  prefix = '',
): AsyncGenerator<ListedObject> {
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    for (const { Key: key, Size: sizeBytes, ETag: etag } of page.Contents ?? [])
      if (key !== undefined) yield { key, sizeBytes, etag };
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

export async function* listKeys(...where: Parameters<typeof listObjects>): AsyncGenerator<string> {
  for await (const { key } of listObjects(...where)) yield key;
}
