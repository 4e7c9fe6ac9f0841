// EventBridge's event of a new object: one object, whose key is not encoded (S3 user guide, "EventBridge event message structure").
import * as z from 'zod/mini';
import { boundedName, describeIssues } from '../text/bounded.ts';
import type { FoundObjects } from './created-object.ts';

const envelope = z.object({ source: z.string(), 'detail-type': z.string() });

const objectCreated = z.object({
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({
      key: z.string(),
      size: z.optional(z.number()),
      'version-id': z.optional(z.string()),
      etag: z.optional(z.string()),
      sequencer: z.optional(z.string()),
    }),
  }),
});

/** Digits of a sequencer in S3's notification, which are capitals. */
const SEQUENCER_DIGITS = 18;

/** @returns undefined where it is no event of EventBridge */
export function readObjectCreated(json: unknown): FoundObjects | undefined {
  const event = envelope.safeParse(json);
  if (!event.success) return undefined;
  const { source, 'detail-type': type } = event.data;
  if (source !== 'aws.s3') {
    return {
      kind: 'none',
      reason: `it is an event of ${boundedName(source)}: send only those of S3 to this queue`,
    };
  }
  // A rule of its owner's may send events of deletions and tags too.
  if (type !== 'Object Created') return { kind: 'objects', objects: [] };
  const parsed = objectCreated.safeParse(json);
  if (!parsed.success) return { kind: 'none', reason: describeIssues(parsed.error.issues, 'the event') };
  const { bucket, object } = parsed.data.detail;
  const { key, size, etag, 'version-id': versionId } = object;
  // As S3's notification writes it, so that an object that both announce is one job.
  const sequencer = object.sequencer?.toUpperCase().padStart(SEQUENCER_DIGITS, '0');
  return { kind: 'objects', objects: [{ bucket: bucket.name, key, size, versionId, etag, sequencer }] };
}
