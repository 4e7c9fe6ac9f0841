// The order for a job whose manifest lies elsewhere: a small object in the inbox in the place of the manifest. Only the API writes
// it. It names the version that the API looked at, so that ingest reads the same bytes or none.
import * as z from 'zod/mini';
import { isBucketName } from '../keys/bucket-name.ts';
import { MAX_KEY_BYTES } from '../keys/destination.ts';
import { boundedName, boundedText, describeIssues } from '../text/bounded.ts';
import { parseJson } from '../text/parse-json.ts';
import { namedJobId } from './identity.ts';

export const MANIFEST_ORDER_CONTENT_TYPE = 'application/vnd.spillway.manifest+json';

/** The folder of the report bucket whose files of failed rows are manifests as they stand. */
const REPORTS_FOLDER = 'jobs/';
const MAX_ETAG_CHARACTERS = 200;
const MAX_VERSION_CHARACTERS = 1024;

/** An order for a job, and no manifest. */
export function isManifestOrder(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === MANIFEST_ORDER_CONTENT_TYPE;
}

/** Where a manifest lies. Without a version or an ETag it is the object that is there now. */
export const manifestPlace = z.strictObject({
  bucket: z.string().check(z.refine(isBucketName, 'is no name of a bucket: give it without s3://')),
  key: z.string().check(
    z.minLength(1, 'is empty'),
    // S3 takes UTF-8, and a URL of the SDK's nothing else.
    z.refine((key) => key.isWellFormed(), 'is no Unicode text: it has half of a surrogate pair'),
    z.refine((key) => Buffer.byteLength(key) <= MAX_KEY_BYTES, `has more than ${MAX_KEY_BYTES} bytes`),
  ),
  versionId: z.optional(
    z
      .string()
      .check(z.regex(new RegExp(`^[\\x21-\\x7e]{1,${MAX_VERSION_CHARACTERS}}$`), 'is no version id of S3')),
  ),
  etag: z.optional(
    z
      .string()
      .check(
        z.regex(
          new RegExp(`^"?[\\x23-\\x7e]{1,${MAX_ETAG_CHARACTERS}}"?$`),
          'is no ETag: give it as HeadObject answers it',
        ),
      ),
  ),
});
export type ManifestPlace = z.infer<typeof manifestPlace>;

/** The object that the API looked at. */
export interface PinnedPlace {
  bucket: string;
  key: string;
  versionId?: string;
  etag: string;
}

const order = z.strictObject({ manifest: manifestPlace });

/** The buckets that an order may name. */
export interface ManifestBuckets {
  inbox: string;
  reportBucket: string;
  /** The parameter `manifestBuckets`. */
  manifestBuckets: readonly string[];
}

/** @returns why no job may read its manifest there, with the remedy; undefined where one may */
export function faultOfPlace(
  { bucket, key }: ManifestPlace,
  { inbox, reportBucket, manifestBuckets }: ManifestBuckets,
): string | undefined {
  if (bucket === inbox) {
    // A caller of the API may not read what another one posted.
    return namedJobId(key) === undefined
      ? undefined
      : 'was posted to the API: redrive its job, or put a copy elsewhere';
  }
  if (bucket === reportBucket) {
    return key.startsWith(REPORTS_FOLDER)
      ? undefined
      : `is no file of a report: those begin with ${REPORTS_FOLDER}`;
  }
  if (manifestBuckets.includes(bucket)) return undefined;
  const known = [inbox, ...manifestBuckets].join(', ');
  return `lies in the bucket ${boundedName(bucket)}, from which manifests are not read: copy it to one of ${known}, or add the bucket to manifestBuckets and deploy`;
}

export type ParsedManifestOrder =
  | { kind: 'order'; manifest: PinnedPlace }
  | { kind: 'invalid'; message: string };

export function manifestOrderText(manifest: PinnedPlace): string {
  return `${JSON.stringify({ manifest })}\n`;
}

/** @param buckets of this deployment: another one may have written the order */
export function parseManifestOrder(text: string, buckets: ManifestBuckets): ParsedManifestOrder {
  const invalid = (message: string): ParsedManifestOrder => ({
    kind: 'invalid',
    message: boundedText(message),
  });
  const parsed = order.safeParse(parseJson(text));
  if (!parsed.success)
    return invalid(`the order for a job can't be read: ${describeIssues(parsed.error.issues, 'it')}`);
  const { etag, versionId, ...place } = parsed.data.manifest;
  if (etag === undefined) return invalid('the order for a job names no etag: submit the manifest again');
  const fault = faultOfPlace(place, buckets);
  return fault === undefined
    ? { kind: 'order', manifest: { ...place, ...(versionId === undefined ? {} : { versionId }), etag } }
    : invalid(`the manifest s3://${place.bucket}/${boundedName(place.key)} ${fault}`);
}
