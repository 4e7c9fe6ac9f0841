// gzip (RFC 1952): one member or several, one after the other, as `cat a.gz b.gz` makes them. Zeros may follow the last one.
import { createGunzip } from 'node:zlib';
import { compressed, type Packed } from './compressed.ts';
import { ConversionFault } from './conversion.ts';
import { decoderCode, expand, FEED_BYTES, inPieces, TEXT_CHUNK_BYTES } from './expand.ts';
import { limited } from './limits.ts';

export const gzip = compressed({
  name: 'gzip',
  endings: ['gz', 'gzip'],
  contentTypes: ['application/gzip', 'application/x-gzip'],
  begins: (start) => start[0] === 0x1f && start[1] === 0x8b,
  expand: gunzip,
});

/** @throws ConversionFault where the bytes are no whole gzip, or expand beyond a limit */
export async function* gunzip({ sizeBytes, read }: Packed): AsyncGenerator<Buffer> {
  const decoder = createGunzip({ chunkSize: TEXT_CHUNK_BYTES });
  const text = expand(decoder, inPieces(read(0, sizeBytes)));
  try {
    yield* limited('gzip', text, () => decoder.bytesWritten);
  } catch (error) {
    throw faultOf(error, decoder.bytesWritten, sizeBytes);
  }
  await refuseTrailing(read(decoder.bytesWritten, sizeBytes), decoder.bytesWritten);
}

function faultOf(error: unknown, consumed: number, sizeBytes: number): unknown {
  const code = decoderCode(error);
  if (code === undefined) return error;
  const fault = (what: string) => new ConversionFault('CompressionBroken', `the gzip is ${what}`);
  if (code === 'Z_BUF_ERROR')
    return fault(`cut off: it ends at byte ${sizeBytes}, within a member; copy it again as a whole`);
  const { message } = error as Error;
  const place = `within ${FEED_BYTES} bytes after byte ${consumed}`;
  // The decoder says this at the start of a member alone.
  if (message === 'incorrect header check') return fault(`followed by other bytes, ${place}: remove them`);
  return fault(`damaged ${place} (${message}): copy it again, or make it again`);
}

/** The decoder stops at a zero behind a member, and passes over the rest, whatever it is. */
async function refuseTrailing(rest: AsyncIterable<Uint8Array>, from: number): Promise<void> {
  let at = from;
  for await (const chunk of rest) {
    const other = chunk.findIndex((byte) => byte !== 0);
    if (other !== -1) {
      throw new ConversionFault(
        'CompressionBroken',
        `the gzip is followed by zeros and then by other bytes, at byte ${at + other}: remove what follows byte ${from}`,
      );
    }
    at += chunk.length;
  }
}
