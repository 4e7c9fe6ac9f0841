// S3's notification of a new object in the inbox. It comes at least once, in no order, with its key form-encoded (S3 user
// guide, "Event message structure").
import * as z from 'zod/mini';
import type { ManifestArrival } from '../job/identity.ts';
import { boundedName, boundedText, describeIssues } from '../text/bounded.ts';
import { isDeliveredPart, isHiddenName } from './hidden-names.ts';

const notification = z.object({
  Records: z.array(
    z.object({
      eventName: z.string(),
      s3: z.object({
        bucket: z.object({ name: z.string() }),
        object: z.object({
          key: z.string(),
          size: z.optional(z.number()),
          versionId: z.optional(z.string()),
          eTag: z.optional(z.string()),
          sequencer: z.optional(z.string()),
        }),
      }),
    }),
  ),
});
/** S3 sends it once, when the notification is set up. */
const testEvent = z.object({ Event: z.literal('s3:TestEvent') });

export type ParsedNotification =
  /** `passedOver`: keys of objects that are no manifests. */
  | { kind: 'arrivals'; arrivals: ManifestArrival[]; passedOver: string[] }
  | { kind: 'not-a-notification'; reason: string };

/**
 * Ignores events of other kinds. Skips folder markers, which consoles make, hidden names and parts of what AWS delivers.
 * @param inbox the only bucket whose events are accepted: the queue itself accepts messages from S3 for any bucket
 */
export function parseNotification(json: unknown, inbox: string): ParsedNotification {
  if (testEvent.safeParse(json).success) return { kind: 'arrivals', arrivals: [], passedOver: [] };
  const parsed = notification.safeParse(json);
  if (!parsed.success) {
    return {
      kind: 'not-a-notification',
      reason: describeIssues(parsed.error.issues, 'it'),
    };
  }
  const arrivals: ManifestArrival[] = [];
  const passedOver: string[] = [];
  for (const { eventName, s3 } of parsed.data.Records) {
    const key = decodeKey(s3.object.key);
    if (key === undefined) {
      return {
        kind: 'not-a-notification',
        reason: `the key "${boundedText(s3.object.key)}" is not form-encoded`,
      };
    }
    if (!eventName.startsWith('ObjectCreated:')) continue;
    if (s3.bucket.name !== inbox) {
      return {
        kind: 'not-a-notification',
        reason: `it tells of an object in bucket "${boundedName(s3.bucket.name)}", and manifests are taken from ${inbox} alone`,
      };
    }
    const isFolderMarker = key.endsWith('/') && (s3.object.size ?? 0) === 0;
    if (isFolderMarker || isHiddenName(key) || isDeliveredPart(key)) {
      passedOver.push(key);
      continue;
    }
    const arrival = arrivalOf(s3.bucket.name, key, s3.object);
    if (arrival === undefined) {
      return {
        kind: 'not-a-notification',
        reason: `${boundedText(`s3://${inbox}/${key}`)} came with neither a version id nor an ETag and a sequencer`,
      };
    }
    arrivals.push(arrival);
  }
  return { kind: 'arrivals', arrivals, passedOver };
}

/** While versioning is suspended the version id is "null", which the next write to the key replaces. */
function arrivalOf(
  bucket: string,
  key: string,
  { versionId, eTag, sequencer }: Partial<Record<'versionId' | 'eTag' | 'sequencer', string | undefined>>,
): ManifestArrival | undefined {
  if (versionId !== undefined && versionId !== 'null') return { bucket, key, versionId };
  if (eTag === undefined || sequencer === undefined) return undefined;
  return { bucket, key, etag: `"${eTag.replaceAll('"', '')}"`, sequencer };
}

function decodeKey(formEncoded: string): string | undefined {
  try {
    return decodeURIComponent(formEncoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
