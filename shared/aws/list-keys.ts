import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

/** The keys below a prefix, in their order. */
export async function* listKeys(
  s3: Pick<S3Client, 'send'>,
  bucket: string,
  prefix = '',
): AsyncGenerator<string> {
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
    token = page.NextContinuationToken;
  } while (token !== undefined);
}
