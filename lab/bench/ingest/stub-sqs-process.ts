// An SQS that takes every batch and keeps nothing, in a process of its own: what a sender costs can be seen beside it. Prints
// its endpoint once it listens, and ends with its parent.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface Batch {
  Entries: { Id: string; MessageBody: string }[];
}

const server = createServer((request, response) => void answer(request, response));
server.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
process.stdin.on('end', () => process.exit()).resume();

/** What fails here ends the process, and so the measurement. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { Entries } = (await json(request)) as Batch;
  // The SDK checks the MD5 of every message that it has sent.
  const Successful = Entries.map(({ Id, MessageBody }) => ({
    Id,
    MessageId: Id,
    MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
  }));
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ Successful }));
}
