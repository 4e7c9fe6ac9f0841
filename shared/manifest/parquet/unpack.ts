// Unpacks a page. The unpacked size was checked before, and no codec writes beyond it.
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { damaged, unsupported } from './limits.ts';
import { unpackLz4, unpackLz4Frames } from './unpack-lz4.ts';
import { unpackSnappy } from './unpack-snappy.ts';

type Unpack = (packed: Uint8Array, sizeBytes: number) => Uint8Array;

/** CompressionCodec of parquet.thrift, by its number. What has no function is not read. */
const CODECS: readonly { name: string; unpack?: Unpack }[] = [
  { name: 'UNCOMPRESSED', unpack: (packed) => packed },
  { name: 'SNAPPY', unpack: unpackSnappy },
  { name: 'GZIP', unpack: withZlib(gunzipSync) },
  { name: 'LZO' },
  { name: 'BROTLI', unpack: withZlib(brotliDecompressSync) },
  { name: 'LZ4', unpack: unpackLz4Frames },
  { name: 'ZSTD', unpack: withZlib(zstdDecompressSync) },
  { name: 'LZ4_RAW', unpack: unpackLz4 },
];

/** @param sizeBytes of the unpacked page */
export function unpackPage(codec: number, packed: Uint8Array, sizeBytes: number): Uint8Array {
  const { name, unpack } = CODECS[codec] ?? { name: codec };
  if (unpack === undefined)
    throw unsupported(`the Parquet file is compressed with ${name}: write it with zstd, snappy, gzip or lz4`);
  const unpacked = unpack(packed, sizeBytes);
  if (unpacked.length !== sizeBytes)
    throw damaged(`a page of ${unpacked.length} bytes, whose header says ${sizeBytes}`);
  return unpacked;
}

type Zlib = (packed: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

function withZlib(unpack: Zlib): Unpack {
  return (packed, sizeBytes) => {
    // A page without bytes may have no stream.
    if (sizeBytes === 0) return new Uint8Array();
    try {
      return unpack(packed, { maxOutputLength: sizeBytes });
    } catch {
      throw damaged('a page that can not be unpacked');
    }
  };
}
