// The HTTP server that stands before each of the embedded cloud's services: it refuses what the guard does not admit, and
// sends no answer that a page of another origin may read, embed or frame.
import {
  createServer,
  IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  type Server,
  ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Guard } from './admission.ts';

/** How an error looks to the clients of a service. */
export type RefusalForm = 's3-xml' | 'aws-json' | 'api-json';

export interface GuardedServerOptions {
  guard: Guard;
  /** The form in which a request is refused. */
  formOf: (request: IncomingMessage) => RefusalForm;
  /** Default: Node's, 5 s. */
  keepAliveMs?: number;
  /** How long a whole request, its body included, may take. Default: Node's, 5 minutes. */
  requestTimeoutMs?: number;
  /** How long an admitted request waits before it is looked at, as if it came from afar. Default: not at all. */
  latencyMs?: (request: IncomingMessage) => number;
}

export type GuardedListener = (
  request: IncomingMessage,
  response: ServerResponse,
  /** The bucket that the Host names, as in `BUCKET.localhost`. */
  bucket: string | undefined,
) => void;

/**
 * Bytes of a refused body that are read and dropped, so that its client sees the answer and not a reset. Clients that
 * send more ask first (Expect: 100-continue); the connection of one that does not is broken off.
 */
const DROPPED_BYTES = 16 * 1024 * 1024;

/**
 * For all answers but those that bring a policy of their own. Opened in a browser, an object from a bucket is a document of
 * this server: sandboxed it runs no script, and has no origin that the guard would take for an own one. Chromium's view of
 * XML needs the styles.
 */
const DEFAULT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-downloads";
/** A header of its own beside the policy of an answer: all policies hold, whatever the others say. */
const FRAME_POLICY = "frame-ancestors 'none'";
const DEFAULT_POLICIES = [DEFAULT_POLICY, FRAME_POLICY];

/** Also adds the port on which it comes to listen to the guard's own ports. */
export function createGuardedServer(
  { guard, formOf, keepAliveMs, requestTimeoutMs, latencyMs }: GuardedServerOptions,
  listener: GuardedListener,
): Server {
  const listen: GuardedListener = (request, response, bucket) => {
    const delayMs = latencyMs?.(request) ?? 0;
    if (delayMs === 0) return listener(request, response, bucket);
    setTimeout(() => {
      // Its client may have given up meanwhile.
      if (!response.closed) listener(request, response, bucket);
    }, delayMs);
  };
  const server = createServer({
    IncomingMessage,
    ServerResponse: ProtectedResponse,
    // The guard says itself what is missing.
    requireHostHeader: false,
    ...(keepAliveMs === undefined ? {} : { keepAliveTimeout: keepAliveMs }),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeout: requestTimeoutMs }),
  });
  server.on('request', (request, response) => {
    const admission = guard.admit(request);
    if (admission.kind === 'admitted') return listen(request, response, admission.bucket);
    refuse(request, response, admission.message, formOf(request));
    dropBody(request, () => response.end());
  });
  server.on('checkContinue', (request, response) => {
    const admission = guard.admit(request);
    if (admission.kind === 'refused') {
      // The body was not sent, and a client that sends it nevertheless would have it taken for its next request.
      response.setHeader('connection', 'close');
      refuse(request, response, admission.message, formOf(request));
      response.end();
      return;
    }
    response.writeContinue();
    listen(request, response, admission.bucket);
  });
  server.on('listening', () => guard.addOwnPorts([(server.address() as AddressInfo).port]));
  return server;
}

/** Sends the whole answer, but does not end it: Node may close the connection with the end, and cut off the body. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  message: string,
  form: RefusalForm,
): void {
  const { type, text } = refusalBody(form, message);
  const body = request.method === 'HEAD' ? '' : text;
  response.writeHead(403, {
    ...(body === '' ? {} : { 'content-type': type }),
    'content-length': Buffer.byteLength(body),
  });
  if (body === '') response.flushHeaders();
  else response.write(body);
}

function refusalBody(form: RefusalForm, message: string): { type: string; text: string } {
  switch (form) {
    case 's3-xml': {
      const escaped = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
      return {
        type: 'application/xml',
        text: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>${escaped}</Message></Error>`,
      };
    }
    case 'aws-json':
      return {
        // A browser shows it; SDKs read any type.
        type: 'application/json',
        text: JSON.stringify({ __type: 'AccessDeniedException', message }),
      };
    case 'api-json':
      return { type: 'application/json', text: JSON.stringify({ message }) };
  }
}

/** Node's own time limit for a request ends one that trickles in. */
function dropBody(request: IncomingMessage, onEnd: () => void): void {
  let droppedBytes = 0;
  request.once('end', onEnd);
  request.on('data', (chunk: Buffer) => {
    droppedBytes += chunk.length;
    if (droppedBytes > DROPPED_BYTES) request.socket.destroy();
  });
}

type HeadersGiven = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** Every answer's head passes writeHead, also one that is not written explicitly. */
class ProtectedResponse extends ServerResponse {
  override writeHead(status: number, reason?: string | HeadersGiven, headers?: HeadersGiven): this {
    for (const [name, value] of entriesOf(typeof reason === 'string' ? headers : reason)) {
      if (value !== undefined) this.setHeader(name, value);
    }
    for (const name of this.getHeaderNames()) if (name.startsWith('access-control-')) this.removeHeader(name);
    this.setHeader('x-frame-options', 'DENY');
    this.setHeader('x-content-type-options', 'nosniff');
    // Keeps pages from loading answers as images, scripts or styles, also in browsers that send no Sec-Fetch-*.
    this.setHeader('cross-origin-resource-policy', 'same-origin');
    const policy = this.getHeader('content-security-policy');
    const policies = policy === undefined ? DEFAULT_POLICIES : [policy, FRAME_POLICY].flat().map(String);
    this.setHeader('content-security-policy', policies);
    return typeof reason === 'string' ? super.writeHead(status, reason) : super.writeHead(status);
  }
}

/** As writeHead takes them: an object, or a list of names, each followed by its value, in which a name may be repeated. */
function entriesOf(headers: HeadersGiven = {}): [string, OutgoingHttpHeader | undefined][] {
  if (!Array.isArray(headers)) return Object.entries(headers);
  const values = new Map<string, string[]>();
  const list = headers.flat().map(String);
  for (let at = 0; at < list.length; at += 2) {
    const [name = '', value = ''] = list.slice(at);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return [...values];
}
