// EventBridge over HTTP: AWS's JSON 1.1 protocol, the operation named in a header.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { EventBus } from './event-bus.ts';
import type { Meter } from './meter.ts';

const SERVICE = 'AWSEvents.';

export function isEventBridge(request: IncomingMessage): boolean {
  const target = request.headers['x-amz-target'];
  return typeof target === 'string' && target.startsWith(SERVICE);
}

export async function answerPutEvents(
  { bus, meter }: { bus: EventBus; meter: Meter },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await buffer(request).catch(() => undefined);
  if (body === undefined) return; // the client went away
  if (request.headers['x-amz-target'] !== `${SERVICE}PutEvents`) {
    return send(response, 400, {
      __type: 'UnknownOperationException',
      message: 'Only PutEvents is emulated.',
    });
  }
  const answer = bus.put(parse(body));
  meter.eventBridge(answer.kind === 'taken' ? answer.entries.length : 0);
  if (answer.kind === 'invalid') return send(response, 400, { __type: answer.code, message: answer.message });
  send(response, 200, { FailedEntryCount: answer.failed, Entries: answer.entries });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, answer: object): void {
  const text = JSON.stringify(answer);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
