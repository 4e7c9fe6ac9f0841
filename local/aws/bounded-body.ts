// The body of a request to an emulated API whose requests are small.
import type { IncomingMessage } from 'node:http';

/**
 * What is above the bound is read and dropped, so that the client sees the answer.
 * @returns more bytes than `mostBytes` where it is too large; undefined where the client went away
 */
export async function readBoundedBody(
  request: IncomingMessage,
  mostBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (sizeBytes <= mostBytes) chunks.push(chunk);
      sizeBytes += chunk.length;
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}
