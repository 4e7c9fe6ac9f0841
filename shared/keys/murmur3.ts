// MurmurHash3 in its 32-bit form for x86, seed 0 (Austin Appleby, public domain: MurmurHash3.cpp in aappleby/smhasher).
// The package that it is tested against is ten times as large, and every function would load it.

/** Unsigned 32 bits. */
export function murmur3(bytes: Buffer): number {
  const tailAt = bytes.length - (bytes.length % 4);
  let hash = 0;
  for (let at = 0; at < tailAt; at += 4) {
    hash ^= scramble(bytes.readInt32LE(at));
    hash = Math.imul(rotateLeft(hash, 13), 5) + 0xe6546b64;
  }
  if (tailAt < bytes.length) hash ^= scramble(bytes.readUIntLE(tailAt, bytes.length - tailAt));
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
