// Where a converted manifest lies in the report bucket, and the list of its files.
//
//   converted/<job>/<start>/unit-00000   the text of the first unit, and so on
//   converted/<job>/<start>/list.json    the files of all units: written last, so that it is there only when all of them are
//
// The job's start is part of the key: where an id is used again, years later, no text of another manifest is taken for its own.
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { classifyFault } from '../../shared/aws/classify.ts';
import { listObjects } from '../../shared/aws/list-keys.ts';
import { isGone, type ObjectReader, readAgain } from '../../shared/aws/object-range.ts';
import { putIfAbsent } from '../../shared/aws/put-if-absent.ts';
import type { JobId } from '../../shared/job/identity.ts';
import { type JobFault, jobFault, type NamedManifest } from '../../shared/job/job.ts';
import type { StoredObject } from '../../shared/keys/stored-object.ts';

const LIST = 'list.json';
/** Digits of a unit's number, so that keys are in the units' order. */
const UNIT_DIGITS = 5;

const listSchema = z.object({
  version: z.literal(1),
  files: z.array(z.object({ key: z.string(), bytes: z.number(), etag: z.exactOptional(z.string()) })),
});

export function convertedList(bucket: string, job: JobId, startedAtMs: number): StoredObject {
  return { bucket, key: `converted/${job}/${startedAtMs}/${LIST}` };
}

/** @param list as `convertedList` names it */
export function unitFile({ bucket, key }: StoredObject, number: number): StoredObject {
  return { bucket, key: `${unitPrefix(key)}${String(number).padStart(UNIT_DIGITS, '0')}` };
}

function unitPrefix(listKey: string): string {
  return `${listKey.slice(0, -LIST.length)}unit-`;
}

/** The units that are written, by their numbers. Each was written whole, or it would not be there. */
export async function writtenUnits(s3: S3Client, list: StoredObject): Promise<Map<number, NamedManifest>> {
  const { bucket } = list;
  const prefix = unitPrefix(list.key);
  const units = new Map<number, NamedManifest>();
  for await (const { key, sizeBytes, etag } of listObjects(s3, bucket, prefix)) {
    // Taken for empty, a file would have its rows left out.
    if (sizeBytes === undefined || etag === undefined)
      throw new Error(`s3://${bucket}/${key} is listed without its size`);
    units.set(Number(key.slice(prefix.length)), { bucket, key, sizeBytes, etag });
  }
  return units;
}

/** Of two invocations that convert at the same time, the first writes the list. Both have the same files. */
export async function writeConvertedList(
  { s3, clock }: ObjectReader,
  list: StoredObject,
  files: readonly NamedManifest[],
): Promise<void> {
  // JSON leaves out an ETag that is not there.
  const named = files.map(({ key, sizeBytes, etag }) => ({ key, bytes: sizeBytes, etag }));
  const put = {
    Bucket: list.bucket,
    Key: list.key,
    Body: Buffer.from(`${JSON.stringify({ version: 1, files: named })}\n`),
    ContentType: 'application/json',
  };
  await putIfAbsent(s3, put, clock);
}

export async function readConvertedList(
  reader: ObjectReader,
  { bucket, key }: StoredObject,
): Promise<{ kind: 'readable'; files: NamedManifest[] } | { kind: 'unreadable'; fault: JobFault }> {
  let text: string | undefined;
  try {
    text = await readAgain(reader, async () => {
      const { Body } = await reader.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Body?.transformToString();
    });
  } catch (error) {
    if (!isGone(classifyFault(error))) throw error;
    const message = `s3://${bucket}/${key}, the list of the manifest's converted files, was deleted: drop the manifest again`;
    return { kind: 'unreadable', fault: jobFault('ManifestGone', message) };
  }
  const { files } = listSchema.parse(JSON.parse(text ?? ''));
  return {
    kind: 'readable',
    files: files.map(({ bytes, ...file }) => ({ bucket, ...file, sizeBytes: bytes })),
  };
}
