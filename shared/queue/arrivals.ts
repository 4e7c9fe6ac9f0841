// Arrivals of manifests, as they are announced to the ingest queue. Each announcement comes at least once, in no order:
//
//   S3's notification            straight from a bucket
//   the same, or an event, in SNS's envelope
//   EventBridge's Object Created through a rule
//
// The same object is the same arrival, however it is announced, so that two routes make one job.
import type { ManifestArrival } from '../job/identity.ts';
import { MAX_KEY_BYTES } from '../keys/destination.ts';
import { boundedName, boundedNames, boundedText } from '../text/bounded.ts';
import type { CreatedObject } from './created-object.ts';
import { isDeliveredPart, isHiddenName } from './hidden-names.ts';
import { readObjectCreated } from './object-created-event.ts';
import { readNotification } from './s3-notification.ts';
import { unwrapSns } from './sns-envelope.ts';

/** The buckets whose new objects are manifests. Objects of any other bucket are refused, on whichever route. */
export interface Inboxes {
  /** The stack's own: the only one in which a key names a job, since its policy lets the API alone write such keys. */
  inbox: string;
  /** Those of others that the deployment lists. */
  inboxBuckets?: readonly string[];
}

export type ParsedArrivals =
  /** `passedOver`: keys of objects that are no manifests. */
  | { kind: 'arrivals'; arrivals: ManifestArrival[]; passedOver: string[] }
  | { kind: 'not-a-notification'; reason: string };

/** Characters of a version id or a sequencer that are taken; a version id of S3 has 32. */
const MAX_ID_CHARACTERS = 1024;

/**
 * Ignores announcements of other kinds. Skips folder markers, which consoles make, hidden names and parts of what AWS delivers.
 * Never throws.
 */
export function parseArrivals(json: unknown, inboxes: Inboxes): ParsedArrivals {
  const unwrapped = unwrapSns(json);
  if (unwrapped.kind === 'none') return none(unwrapped.reason);
  const bare = unwrapped.kind === 'message' ? unwrapped.json : json;
  const found = readObjectCreated(bare) ?? readNotification(bare);
  if (found.kind === 'none') return none(found.reason);
  const arrivals: ManifestArrival[] = [];
  const passedOver: string[] = [];
  for (const object of found.objects) {
    const fault = faultOf(object, inboxes);
    if (fault !== undefined) return none(fault);
    if (isPassedOver(object)) {
      passedOver.push(object.key);
      continue;
    }
    const arrival = arrivalOf(object, inboxes);
    if (arrival === undefined) {
      const place = boundedText(`s3://${object.bucket}/${object.key}`);
      return none(`${place} came with neither a version id nor an ETag and a sequencer`);
    }
    arrivals.push(arrival);
  }
  return { kind: 'arrivals', arrivals, passedOver };
}

function none(reason: string): ParsedArrivals {
  return { kind: 'not-a-notification', reason };
}

/** The queue's policy lets S3, a rule and topics send, and those can name any bucket. */
function faultOf(
  { bucket, key, versionId, etag, sequencer }: CreatedObject,
  inboxes: Inboxes,
): string | undefined {
  const { inbox, inboxBuckets = [] } = inboxes;
  if (bucket !== inbox && !inboxBuckets.includes(bucket)) {
    const taken = inboxBuckets.length === 0 ? `${inbox} alone` : boundedNames([inbox, ...inboxBuckets]);
    return (
      `it announces an object in bucket "${boundedName(bucket)}", and manifests are taken from ${taken}: ` +
      'name the bucket in the parameter inboxBuckets'
    );
  }
  if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES)
    return `it announces a key of ${Buffer.byteLength(key)} bytes, and S3 takes 1 to ${MAX_KEY_BYTES}`;
  const isLong = [versionId, etag, sequencer].some((id = '') => id.length > MAX_ID_CHARACTERS);
  return isLong
    ? `it announces an object whose version has more than ${MAX_ID_CHARACTERS} characters`
    : undefined;
}

function isPassedOver({ key, size = 0 }: CreatedObject): boolean {
  const isFolderMarker = key.endsWith('/') && size === 0;
  return isFolderMarker || isHiddenName(key) || isDeliveredPart(key);
}

/** While versioning is suspended the version id is "null", which the next write to the key replaces. */
function arrivalOf(
  { bucket, key, versionId = '', etag = '', sequencer = '' }: CreatedObject,
  { inbox }: Inboxes,
): ManifestArrival | undefined {
  const place = { bucket, key, ...(bucket === inbox ? {} : { isForeign: true as const }) };
  if (versionId !== '' && versionId !== 'null') return { ...place, versionId };
  if (etag === '' || sequencer === '') return undefined;
  return { ...place, etag: `"${etag.replaceAll('"', '')}"`, sequencer };
}
