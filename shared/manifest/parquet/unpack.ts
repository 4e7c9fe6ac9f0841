// Unpacks a page. The unpacked size was checked before, and no codec writes beyond it.
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { damaged, unsupported } from './limits.ts';
import { unpackLz4, unpackLz4Frames } from './unpack-lz4.ts';
import { unpackSnappy } from './unpack-snappy.ts';

/** CompressionCodec of parquet.thrift, by its number. */
const CODECS = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW'] as const;

/** @param sizeBytes of the unpacked page */
export function unpackPage(codec: number, packed: Uint8Array, sizeBytes: number): Uint8Array {
  const name = CODECS[codec];
  const unpacked = packWith(name ?? String(codec), packed, sizeBytes);
  if (unpacked.length !== sizeBytes)
    throw damaged(`a page of ${unpacked.length} bytes, whose header says ${sizeBytes}`);
  return unpacked;
}

function packWith(codec: string, packed: Uint8Array, sizeBytes: number): Uint8Array {
  switch (codec) {
    case 'UNCOMPRESSED':
      return packed;
    case 'SNAPPY':
      return unpackSnappy(packed, sizeBytes);
    case 'LZ4':
      return unpackLz4Frames(packed, sizeBytes);
    case 'LZ4_RAW':
      return unpackLz4(packed, sizeBytes);
    // A page without bytes may have no stream.
    case 'GZIP':
      return sizeBytes === 0 ? new Uint8Array() : withZlib(gunzipSync, packed, sizeBytes);
    case 'BROTLI':
      return sizeBytes === 0 ? new Uint8Array() : withZlib(brotliDecompressSync, packed, sizeBytes);
    case 'ZSTD':
      return sizeBytes === 0 ? new Uint8Array() : withZlib(zstdDecompressSync, packed, sizeBytes);
    default:
      throw unsupported(
        `the Parquet file is compressed with ${codec}: write it with zstd, snappy, gzip or lz4`,
      );
  }
}

type Zlib = (packed: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

function withZlib(unpack: Zlib, packed: Uint8Array, sizeBytes: number): Uint8Array {
  try {
    return unpack(packed, { maxOutputLength: sizeBytes });
  } catch {
    throw damaged('a page that can not be unpacked');
  }
}
