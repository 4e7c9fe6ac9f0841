// What a conversion reads, from S3: the manifest, and the files that it names.
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { classifyFault } from '../aws/classify.ts';
import { isGone, type ObjectReader, readRange, versionOf } from '../aws/object-range.ts';
import type { NamedManifest } from '../job/job.ts';
import type { StoredObject } from '../keys/stored-object.ts';
import { conversionFor } from '../manifest/conversions/all.ts';
import {
  type AboutConversion,
  ConversionFault,
  type ConversionFile,
  type ConversionInput,
  type FoundFile,
  type ManifestConversion,
  type OpenedConversion,
} from '../manifest/conversions/conversion.ts';
import type { ManifestStart, Opened } from '../manifest/format.ts';
import type { ManifestHead } from '../manifest/formats/all.ts';
import { openManifest } from '../manifest/open.ts';
import { boundedName } from '../text/bounded.ts';

/** Bytes of a manifest from which its format and head are read. */
const HEAD_BYTES = 256 * 1024;

/** @param extraColumns as in `ManifestStart` */
export async function readStart(
  reader: ObjectReader,
  manifest: NamedManifest,
  extraColumns: readonly string[] = [],
): Promise<ManifestStart> {
  const end = Math.min(HEAD_BYTES, manifest.sizeBytes);
  const bytes = Buffer.concat(await Array.fromAsync(readRange(reader, manifest, 0, end)));
  return { bytes, sizeBytes: manifest.sizeBytes, extraColumns };
}

/**
 * As `readStart`, of a manifest that was opened before.
 * @throws ConversionFault where it is gone since
 */
export async function readStartAgain(...args: Parameters<typeof readStart>): Promise<ManifestStart> {
  try {
    return await readStart(...args);
  } catch (error) {
    throw goneOr(error, args[1]);
  }
}

/** @param sourceBuckets the only other buckets whose files a manifest may name */
export function createConversionInput(
  reader: ObjectReader,
  manifest: NamedManifest,
  start: ManifestStart,
  sourceBuckets: readonly string[],
): ConversionInput {
  return {
    manifest,
    start,
    read: (file, from, to) => readFile(reader, file, from, to),
    find: (object) =>
      object.bucket === manifest.bucket || sourceBuckets.includes(object.bucket)
        ? findFile(reader, object)
        : Promise.resolve({
            kind: 'refused',
            message: `the bucket "${boundedName(object.bucket)}" is not among sourceBuckets: add it there, and deploy`,
          }),
  };
}

/** How a manifest is read: as it lies; or, where it has a conversion, by the units of that. */
export type OpenedStart =
  | Opened<ManifestHead>
  | (OpenedConversion<unknown> & { conversion: ManifestConversion });

/** What is known of a manifest beside its name and its bytes. */
export interface AboutStart {
  contentType?: string | undefined;
  /** Each byte that was not UTF-8 is 0xff. */
  wasText?: boolean;
}

/** Opens a manifest by its first bytes, which are the input's: as it lies, or for the conversion that it needs. */
export async function openStart(
  input: ConversionInput,
  { contentType, wasText = false }: AboutStart,
): Promise<OpenedStart> {
  const { key } = input.manifest;
  const { bytes, sizeBytes, extraColumns = [] } = input.start;
  const about = { key, ...(contentType === undefined ? {} : { contentType }) };
  const conversion = conversionFor(input.start, about);
  return conversion === undefined
    ? openManifest(bytes, { ...about, wasText, sizeBytes, extraColumns })
    : { ...(await openConversion(conversion, input, about)), conversion };
}

/** The faults that end an opening, as a value. */
export async function openConversion<Unit>(
  conversion: ManifestConversion<Unit>,
  input: ConversionInput,
  about: AboutConversion,
): Promise<OpenedConversion<Unit>> {
  try {
    return await conversion.open(input, about);
  } catch (error) {
    if (error instanceof ConversionFault)
      return { kind: 'unreadable', code: error.code, message: error.message };
    throw error;
  }
}

async function* readFile(
  reader: ObjectReader,
  file: ConversionFile,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  try {
    yield* readRange(reader, file, start, end);
  } catch (error) {
    throw goneOr(error, file);
  }
}

/** The fault where the file is gone; else the error itself. */
function goneOr(error: unknown, { bucket, key }: ConversionFile): unknown {
  if (!isGone(classifyFault(error))) return error;
  return new ConversionFault(
    'ManifestGone',
    `s3://${bucket}/${key} was deleted or replaced before all of it was read: drop the manifest again`,
  );
}

async function findFile({ s3 }: ObjectReader, object: StoredObject): Promise<FoundFile> {
  const { bucket, key } = object;
  try {
    const { ContentLength = 0, ETag } = await s3.send(
      new HeadObjectCommand({ Bucket: bucket, Key: key, ...versionOf(object) }),
    );
    const etag = ETag === undefined ? {} : { etag: ETag };
    return { kind: 'found', file: { ...etag, ...object, sizeBytes: ContentLength } };
  } catch (error) {
    const fault = classifyFault(error);
    // Without the permission to list its bucket, S3 answers 403 for an object that is not there.
    if (
      isGone(fault) ||
      (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 403
    )
      return { kind: 'missing' };
    throw error;
  }
}
