// Takes the SDK's requests to a server of this process without a socket, and unsigned: sockets and signatures took half of the
// time of the tests that ask a table. What is asked and what is answered is written and read as over the wire.
import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

interface SdkRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array | string;
}

/** Dynalite looks whether these are there; it verifies no signature. */
const UNVERIFIED = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none',
  'x-amz-date': '20260101T000000Z',
};

/** @param server need not listen. It reads its requests by events, and answers each with one body. */
export function inProcess(server: Server): DynamoDBClientConfig {
  const handle = (request: SdkRequest) =>
    new Promise((resolve) => {
      const { method, path: url, headers, body = '' } = request;
      const asked = Object.assign(new EventEmitter(), { method, url, headers });
      const answered: Record<string, string> = {};
      const answer = {
        statusCode: 200,
        setHeader(name: string, value: unknown) {
          answered[name.toLowerCase()] = String(value);
        },
        end(text: string) {
          const { statusCode } = answer;
          resolve({ response: { statusCode, headers: answered, body: new TextEncoder().encode(text) } });
        },
      };
      server.emit('request', asked, answer);
      // The SDK's own class of bytes warns of what Buffer.from asks it.
      asked.emit(
        'data',
        typeof body === 'string'
          ? Buffer.from(body)
          : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      );
      asked.emit('end');
    });
  const sign = async (request: SdkRequest) => {
    Object.assign(request.headers, UNVERIFIED);
    return request;
  };
  return {
    endpoint: 'http://in-process',
    requestHandler: { handle, metadata: { handlerProtocol: 'http/1.1' } },
    signer: { sign },
  } as unknown as DynamoDBClientConfig;
}
