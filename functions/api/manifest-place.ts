// A request that names where its manifest lies: whether it may be read there, and which object it is.
import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { classifyFault } from '../../shared/aws/classify.ts';
import { isGone, type ObjectReader, versionOf } from '../../shared/aws/object-range.ts';
import {
  faultOfPlace,
  type ManifestBuckets,
  manifestPlace,
  type PinnedPlace,
} from '../../shared/job/manifest-order.ts';
import { optionTextsOfMetadata } from '../../shared/job/options.ts';
import { boundedName } from '../../shared/text/bounded.ts';
import { faultAt, refusedBody } from './problem.ts';

export const optionValues = z.record(z.string(), z.union([z.string(), z.number()]));

export function optionTexts(values: z.infer<typeof optionValues>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

export const placeSubmission = z.strictObject({
  manifest: manifestPlace,
  options: z.optional(optionValues),
});

/** A manifest that lies in S3, as the request names it. */
export interface PlaceRequest {
  place: z.infer<typeof manifestPlace>;
  options: Record<string, string>;
}

export interface PlacedManifest {
  place: PinnedPlace;
  sizeBytes: number;
  contentType: string | undefined;
  /** Texts by name: those of the request, and those of the manifest's metadata that it does not give. */
  options: Record<string, string>;
}

/** Whether a body of JSON names a place. */
export function namesPlace(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'manifest');
}

/** @throws HttpError with every fault of the body */
export function readPlace(value: unknown, query: Readonly<Record<string, string>>): PlaceRequest {
  const parsed = placeSubmission.safeParse(value);
  if (!parsed.success)
    throw refusedBody(
      parsed.error.issues,
      'The body is { "manifest": { "bucket": ..., "key": ... }, "options": {...} }',
    );
  const { manifest, options = {} } = parsed.data;
  return { place: manifest, options: { ...query, ...optionTexts(options) } };
}

/** @throws HttpError where it may not be read, is not there, or is another object than the request says */
export async function findPlaced(
  { s3 }: Pick<ObjectReader, 's3'>,
  { place, options }: PlaceRequest,
  buckets: ManifestBuckets,
): Promise<PlacedManifest> {
  const { bucket, key, versionId, etag } = place;
  const which = `s3://${bucket}/${boundedName(key)}${versionId === undefined ? '' : ` version ${boundedName(versionId)}`}`;
  const refuse = (status: number, why: string) =>
    faultAt(status, 'body.manifest', `the manifest ${which} ${why}`);
  const fault = faultOfPlace(place, buckets);
  if (fault !== undefined) throw refuse(403, fault);
  let answer: HeadObjectCommandOutput;
  try {
    answer = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...versionOf({ versionId }) }));
  } catch (error) {
    const { kind, code } = classifyFault(error);
    if (kind !== 'permanent' && !isGone({ kind, code })) throw error;
    throw refuse(400, `can't be read (${code}): put it there, and see that this deployment may read it`);
  }
  const found = answer.ETag ?? '';
  if (etag !== undefined && bare(etag) !== bare(found)) {
    throw refuse(
      409,
      `has the ETag ${boundedName(found)}, and the request names ${boundedName(etag)}: it was replaced`,
    );
  }
  const version = versionId ?? (answer.VersionId === 'null' ? undefined : answer.VersionId);
  return {
    place: { bucket, key, etag: found, ...(version === undefined ? {} : { versionId: version }) },
    sizeBytes: answer.ContentLength ?? 0,
    contentType: answer.ContentType,
    options: { ...optionTextsOfMetadata(answer.Metadata ?? {}), ...options },
  };
}

/** Clients write an ETag with its quotes and without. */
function bare(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}
