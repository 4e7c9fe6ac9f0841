// Lists what a zip holds, from its central directory (PKWARE APPNOTE 4.3.12).
import { inflateRawSync } from 'node:zlib';

const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const END_BYTES = 22;
const LOCAL_HEADER_BYTES = 30;
const DEFLATED = 8;

export interface ZipEntry {
  name: string;
  sizeBytes: number;
  read(): Buffer;
}

export function zipEntries(zip: Buffer): ZipEntry[] {
  let end = zip.length - END_BYTES;
  while (zip.readUInt32LE(end) !== END_OF_DIRECTORY) end -= 1;
  const entries: ZipEntry[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== CENTRAL_HEADER) throw new Error(`no entry at byte ${at} of the zip`);
    const nameBytes = zip.readUInt16LE(at + 28);
    const method = zip.readUInt16LE(at + 10);
    const packedBytes = zip.readUInt32LE(at + 20);
    const localAt = zip.readUInt32LE(at + 42);
    entries.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameBytes),
      sizeBytes: zip.readUInt32LE(at + 24),
      read: () => {
        const extraBytes = zip.readUInt16LE(localAt + 26) + zip.readUInt16LE(localAt + 28);
        const packedAt = localAt + LOCAL_HEADER_BYTES + extraBytes;
        const packed = zip.subarray(packedAt, packedAt + packedBytes);
        return method === DEFLATED ? inflateRawSync(packed) : packed;
      },
    });
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}
