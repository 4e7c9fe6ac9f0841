// S3's own notification of new objects: several records, with form-encoded keys (S3 user guide, "Event message structure").
import * as z from 'zod/mini';
import { decodedKey } from '../keys/encoded-key.ts';
import { boundedText, describeIssues } from '../text/bounded.ts';
import type { FoundObjects } from './created-object.ts';

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

/** Ignores events of other kinds, and S3's test event. */
export function readNotification(json: unknown): FoundObjects {
  if (testEvent.safeParse(json).success) return { kind: 'objects', objects: [] };
  const parsed = notification.safeParse(json);
  if (!parsed.success) return { kind: 'none', reason: describeIssues(parsed.error.issues, 'it') };
  const found: FoundObjects = { kind: 'objects', objects: [] };
  for (const { eventName, s3 } of parsed.data.Records) {
    const { versionId, eTag, sequencer, size } = s3.object;
    const key = decodedKey(s3.object.key);
    if (key === undefined)
      return { kind: 'none', reason: `the key "${boundedText(s3.object.key)}" is not form-encoded` };
    if (!eventName.startsWith('ObjectCreated:')) continue;
    found.objects.push({ bucket: s3.bucket.name, key, size, versionId, etag: eTag, sequencer });
  }
  return found;
}
