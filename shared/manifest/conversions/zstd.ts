// zstandard (RFC 8878): one frame or several. Lambda's Node 24 decodes it; the contract test holds what is relied on.
import { constants, createZstdDecompress } from 'node:zlib';
import { compressed, type Packed } from './compressed.ts';
import { ConversionFault } from './conversion.ts';
import { decoderCode, expand, FEED_BYTES, inPieces, TEXT_CHUNK_BYTES } from './expand.ts';
import { limited } from './limits.ts';
import { beginsAsZstd, framesOf, MAX_WINDOW_LOG } from './zstd-frames.ts';

export const zstd = compressed({
  name: 'zstandard',
  endings: ['zst', 'zstd'],
  contentTypes: ['application/zstd'],
  begins: beginsAsZstd,
  expand: unzstd,
});

async function* unzstd({ sizeBytes, read }: Packed): AsyncGenerator<Buffer> {
  const decoder = createZstdDecompress({
    chunkSize: TEXT_CHUNK_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
  });
  const frames = framesOf(inPieces(read(0, sizeBytes)));
  try {
    yield* limited('zstandard file', expand(decoder, frames), () => decoder.bytesWritten);
  } catch (error) {
    if (decoderCode(error) === undefined) throw error;
    throw new ConversionFault(
      'CompressionBroken',
      `the zstandard file is damaged within ${FEED_BYTES} bytes after byte ${decoder.bytesWritten} (${(error as Error).message}): copy it again, or make it again`,
    );
  }
}
