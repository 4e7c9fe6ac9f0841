// EventBridge over HTTP: AWS's JSON 1.1 protocol, the operation named in a header.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseJson } from '../../../shared/text/parse-json.ts';
import { eventAccess } from '../../iam/json-access.ts';
import { readBoundedBody } from '../bounded-body.ts';
import type { GatewayParts } from '../gateway.ts';

const SERVICE = 'AWSEvents.';
/** EventBridge's quota for the entries of a request, with room for the names and quotes around them. */
const MAX_REQUEST_BYTES = 2 * 1024 ** 2;

export function isEventBridge(request: IncomingMessage): boolean {
  const target = request.headers['x-amz-target'];
  return typeof target === 'string' && target.startsWith(SERVICE);
}

export async function answerPutEvents(
  { authorizer, bus, meter, region, accountId }: GatewayParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBoundedBody(request, MAX_REQUEST_BYTES);
  if (body === undefined) return; // the client went away
  if (body.length > MAX_REQUEST_BYTES) {
    return send(response, 413, { __type: 'RequestEntityTooLarge', message: 'The request is too large.' });
  }
  if (request.headers['x-amz-target'] !== `${SERVICE}PutEvents`) {
    return send(response, 400, {
      __type: 'UnknownOperationException',
      message: 'Only PutEvents is emulated.',
    });
  }
  const entries = parseJson(body.toString());
  const denial = authorizer.deny(request.headers.authorization, eventAccess(entries, { region, accountId }));
  if (denial !== undefined) return send(response, 400, { __type: 'AccessDeniedException', message: denial });
  const answer = bus.put(entries);
  meter.eventBridge(answer.kind === 'taken' ? answer.entries.length : 0);
  if (answer.kind === 'invalid') return send(response, 400, { __type: answer.code, message: answer.message });
  send(response, 200, { FailedEntryCount: answer.failed, Entries: answer.entries });
}

function send(response: ServerResponse, status: number, answer: object): void {
  const text = JSON.stringify(answer);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
