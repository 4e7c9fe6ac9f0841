// How the API submits: it puts a manifest into the inbox as api/<job>/manifest, under an id that it chose. The same id again makes
// no second job: the first manifest stays.
import { createHash } from 'node:crypto';
import { HeadObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { putIfAbsent } from '../../shared/aws/put-if-absent.ts';
import { type JobId, keyOfJob } from '../../shared/job/identity.ts';

export interface Inbox {
  s3: S3Client;
  inbox: string;
}

/** `conflict`: the id was used before, for other contents. */
export type Submitted = { kind: 'accepted' | 'repeated' | 'conflict'; manifest: string };

const DIGEST = 'submission-sha256';
/** How often a manifest may be found by the write and be gone at the HEAD. */
const GONE_TRIES = 5;

/** What is put under a job's id: a manifest, or the order for a redrive. */
export interface SubmittedObject {
  job: JobId;
  contentType: string;
  body: Uint8Array;
  metadata: Readonly<Record<string, string>>;
}

export async function submitObject(
  { s3, inbox }: Inbox,
  { job, contentType, body, metadata }: SubmittedObject,
): Promise<Submitted> {
  // The content type names the format. All formats share one key, so the same id in another format is a conflict.
  const key = keyOfJob(job);
  const manifest = `s3://${inbox}/${key}`;
  const digest = createHash('sha256').update(JSON.stringify(metadata)).update(body).digest('hex');
  const put = {
    Bucket: inbox,
    Key: key,
    Body: body,
    ContentType: contentType,
    Metadata: { ...metadata, [DIGEST]: digest },
  };
  for (let tries = 1; ; tries++) {
    if ((await putIfAbsent(s3, put)) === 'created') return { kind: 'accepted', manifest };
    const found = await digestOf({ s3, inbox }, key);
    if (found !== undefined) return { kind: found === digest ? 'repeated' : 'conflict', manifest };
    if (tries === GONE_TRIES) throw new Error(`${manifest} exists at each write and is gone at each read`);
  }
}

/** @returns undefined where the object has gone since S3 found it, or may have gone */
async function digestOf({ s3, inbox }: Inbox, key: string): Promise<string | undefined> {
  try {
    const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: inbox, Key: key }));
    return Metadata?.[DIGEST] ?? '';
  } catch (error) {
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
    // The API may list only its own folder. A HEAD names no folder, so S3 answers 403 for an object that is gone.
    if ($metadata?.httpStatusCode === 403 || $metadata?.httpStatusCode === 404) return undefined;
    throw error;
  }
}

/** Whether a manifest was submitted under this id, even if its job is not open yet. */
export async function wasSubmitted({ s3, inbox }: Inbox, job: JobId): Promise<boolean> {
  const key = keyOfJob(job);
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: inbox, Prefix: key, MaxKeys: 1 }),
  );
  return Contents[0]?.Key === key;
}
