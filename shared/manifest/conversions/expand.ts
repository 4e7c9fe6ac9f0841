// Runs a decoder of node:zlib over a stream of chunks: memory is a few chunks and the decoder's window.
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A decoder of node:zlib. `bytesWritten`: bytes that it has decoded so far. */
export type Decoder = Transform & { readonly bytesWritten: number };

/** Bytes given to the decoder at a time. A fault is placed within them, since the decoder does not say where it stopped. */
export const FEED_BYTES = 64 * 1024;
/** Bytes of text that the decoder gives at a time: with node:zlib's default of 16 KiB each costs a turn of the thread pool. */
export const TEXT_CHUNK_BYTES = 128 * 1024;

/**
 * The decoded text. A reader that stops early ends the decoder and the source.
 * @throws what the decoder or the source throws
 */
export async function* expand(decoder: Decoder, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  // A fault of the source destroys the decoder, so that reading the decoder throws it.
  const feeding = pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), decoder).catch(
    () => undefined,
  );
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } finally {
    decoder.destroy();
    await feeding;
  }
}

/** The chunks in pieces of at most FEED_BYTES; empty chunks are left out. */
export async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += FEED_BYTES) yield chunk.subarray(at, at + FEED_BYTES);
}

/** The code of a decoder's fault; undefined for all other errors. */
export function decoderCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^(?:Z_|ZSTD_error_)/.test(code) ? code : undefined;
}
