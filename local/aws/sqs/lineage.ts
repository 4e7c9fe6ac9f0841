// Lineage: the trace header that a function's SDK sends along is kept with each message that the request sends.
//
// Lambda's recursive-loop detection counts the rounds in it. AWS returns it as the system attribute AWSTraceHeader.
// The message group of a standard queue (fair queues) goes the same way, since fauxqs drops it there.

export interface SendingRequest {
  traceHeader: string | undefined;
  entries: SentEntry[];
  /** Entries before it are enqueued or refused. */
  next: number;
}

interface SentEntry {
  MessageBody?: unknown;
  MessageGroupId?: unknown;
  MessageSystemAttributes?: { AWSTraceHeader?: { StringValue?: unknown } };
}

/** The name is lower-cased by Node; the SDK's recursionDetectionMiddleware writes X-Amzn-Trace-Id. */
const TRACE_HEADER = 'x-amzn-trace-id';

export function sendingRequest(headers: NodeJS.Dict<string | string[]>, body: object): SendingRequest {
  const header = headers[TRACE_HEADER];
  const entries =
    'Entries' in body && Array.isArray(body.Entries) ? (body.Entries as SentEntry[]) : [body as SentEntry];
  return { traceHeader: typeof header === 'string' ? header : undefined, entries, next: 0 };
}

/** What the request said of the message with this body. fauxqs enqueues the entries in their order and skips the bad ones. */
export function sendingEntry(
  request: SendingRequest,
  body: string,
): { traceHeader: string | undefined; messageGroupId: string | undefined } {
  while (request.next < request.entries.length) {
    const entry = request.entries[request.next];
    request.next += 1;
    if (entry?.MessageBody !== body) continue;
    const own = entry.MessageSystemAttributes?.AWSTraceHeader?.StringValue;
    return {
      traceHeader: typeof own === 'string' ? own : request.traceHeader,
      messageGroupId: typeof entry.MessageGroupId === 'string' ? entry.MessageGroupId : undefined,
    };
  }
  return { traceHeader: request.traceHeader, messageGroupId: undefined };
}
