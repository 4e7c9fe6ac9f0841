// Writes the manifest of the staged files and drops it in the inbox, as a user with only an S3 client does.
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import Papa from 'papaparse';
import { type JobId, jobIdOfManifest } from '../../shared/job/identity.ts';
import { metadataOfOptionTexts } from '../../shared/job/options.ts';
import type { StagedFile } from './stage.ts';

const MANIFEST_KEY = 'demo.csv';

export async function dropManifest(
  s3: S3Client,
  { inbox, source, spread }: { inbox: string; source: string; spread: string },
  files: readonly StagedFile[],
): Promise<JobId> {
  const rows = files.map(({ key, sizeBytes }) => ({ key, source: `s3://${source}/${key}`, size: sizeBytes }));
  const { VersionId = '' } = await s3.send(
    new PutObjectCommand({
      Bucket: inbox,
      Key: MANIFEST_KEY,
      Body: `${Papa.unparse(rows, { newline: '\n' })}\n`,
      ContentType: 'text/csv',
      Metadata: metadataOfOptionTexts({ spread }),
    }),
  );
  return jobIdOfManifest({ bucket: inbox, key: MANIFEST_KEY, versionId: VersionId });
}
