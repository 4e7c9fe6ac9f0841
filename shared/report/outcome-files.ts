// Outcomes in files: an object for each invocation and slice, in the report bucket under outcomes/<job>/<slice>/.
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { classifyFault } from '../aws/classify.ts';
import { listKeys } from '../aws/list-keys.ts';
import { sendProven } from '../aws/proof.ts';
import type { SliceId } from '../job/identity.ts';

const READ_TRIES = 4;

export type OutcomeFiles = ReturnType<typeof createOutcomeFiles>;

interface OutcomeFilesDependencies {
  s3: S3Client;
  bucket: string;
}

export function createOutcomeFileWriter({ s3, bucket }: OutcomeFilesDependencies) {
  return {
    async write(slice: SliceId, name: string, bytes: Uint8Array): Promise<void> {
      await sendProven(
        s3,
        new PutObjectCommand({
          Bucket: bucket,
          Key: `${folderOf(slice)}${name}.ndjson.zst`,
          Body: bytes,
          ContentType: 'application/zstd',
        }),
      );
    },
  };
}

export function createOutcomeFiles({ s3, bucket }: OutcomeFilesDependencies) {
  return {
    ...createOutcomeFileWriter({ s3, bucket }),

    /** Keys of the slice's files, in S3's order. */
    list: (slice: SliceId): Promise<string[]> => Array.fromAsync(listKeys(s3, bucket, folderOf(slice))),

    read: (key: string) => readFile(s3, bucket, key),
  };
}

/**
 * The SDK repeats a request, but not the read of an answer that broke off. One of a slice's many files would be enough to fail
 * it.
 */
async function readFile(s3: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  for (let tries = 1; ; tries++) {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      if (tries === READ_TRIES || classifyFault(error).kind !== 'transient') throw error;
    }
  }
}

function folderOf({ job, slice }: SliceId): string {
  return `outcomes/${job}/${slice}/`;
}
