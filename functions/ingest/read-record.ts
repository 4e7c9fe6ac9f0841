// Reads a record of the ingest queue: one of ingest's own messages, or an announcement of new objects in an inbox.
import type { ManifestArrival } from '../../shared/job/identity.ts';
import { type Inboxes, parseArrivals } from '../../shared/queue/arrivals.ts';
import { type IngestMessage, parseIngestMessage } from '../../shared/queue/messages.ts';
import { parseJson } from '../../shared/text/parse-json.ts';

export type IngestRecord =
  | { kind: 'message'; message: IngestMessage }
  /** `passedOver` holds the keys that are no manifests: folder markers, hidden names, parts of what AWS delivers. */
  | { kind: 'arrivals'; arrivals: ManifestArrival[]; passedOver: string[] };

/** @throws Error with both reasons, for a body that is neither */
export function readRecord(body: string, inboxes: Inboxes): IngestRecord {
  const own = parseIngestMessage(body);
  if (own.kind === 'message') return own;
  const notification = parseArrivals(parseJson(body), inboxes);
  if (notification.kind === 'arrivals') return notification;
  throw new Error(
    `neither a message of ours (${own.reason}) nor an announcement of S3 (${notification.reason})`,
  );
}
