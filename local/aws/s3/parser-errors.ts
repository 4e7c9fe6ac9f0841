// Answers what is no HTTP request, or one whose body breaks off, as S3 does: in XML, with a request id.
//
// Node's parser reports it before any handler runs; its own answer is a status without a word.
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorXml, faultOf, newRequestId, type S3Fault } from './s3-answers.ts';

/** S3's codes by Node's. */
const CODES: ReadonlyMap<string | undefined, string> = new Map([
  ['HPE_HEADER_OVERFLOW', 'RequestHeaderSectionTooLarge'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'RequestTimeout'],
]);

export function answerParserErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // If the head of another answer is sent already, this one would become part of its body. Node's own handler reads the same
    // field.
    const { _httpMessage: underWay } = socket as Duplex & { _httpMessage?: ServerResponse | null };
    if (error.code === 'ECONNRESET' || !socket.writable || underWay?.headersSent === true) {
      socket.destroy();
      return;
    }
    socket.end(rawAnswer(faultOf(400, CODES.get(error.code) ?? 'BadRequest')));
  });
}

function rawAnswer(fault: S3Fault): string {
  const requestId = newRequestId();
  const body = errorXml(fault, '', requestId);
  const head = [
    `HTTP/1.1 ${fault.status} Bad Request`,
    'content-type: application/xml',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-amz-request-id: ${requestId}`,
    `x-amz-id-2: ${requestId}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
