// Reads a record of the ingest queue: one of ingest's own messages, or S3's notification of new objects in the inbox.
import type { ManifestArrival } from '../../shared/job/identity.ts';
import { type IngestMessage, parseIngestMessage } from '../../shared/queue/messages.ts';
import { parseNotification } from '../../shared/queue/s3-notification.ts';

export type IngestRecord =
  | { kind: 'message'; message: IngestMessage }
  /** `passedOver` holds the keys that are no manifests: folder markers, hidden names, parts of what AWS delivers. */
  | { kind: 'arrivals'; arrivals: ManifestArrival[]; passedOver: string[] };

/** @throws Error with both reasons, for a body that is neither */
export function readRecord(body: string, inbox: string): IngestRecord {
  const own = parseIngestMessage(body);
  if (own.kind === 'message') return own;
  const notification = parseNotification(parseJson(body), inbox);
  if (notification.kind === 'arrivals') return notification;
  throw new Error(`neither a message of ours (${own.reason}) nor S3's notification (${notification.reason})`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // parseIngestMessage has the reason.
    return undefined;
  }
}
