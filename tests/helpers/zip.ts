// Lists what a zip holds, from its central directory (PKWARE APPNOTE 4.3.12).
const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const END_BYTES = 22;

export function zipEntries(zip: Buffer): { name: string; sizeBytes: number }[] {
  let end = zip.length - END_BYTES;
  while (zip.readUInt32LE(end) !== END_OF_DIRECTORY) end -= 1;
  const entries: { name: string; sizeBytes: number }[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== CENTRAL_HEADER) throw new Error(`no entry at byte ${at} of the zip`);
    const nameBytes = zip.readUInt16LE(at + 28);
    entries.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameBytes),
      sizeBytes: zip.readUInt32LE(at + 24),
    });
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}
