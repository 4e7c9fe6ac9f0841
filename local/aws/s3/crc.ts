// CRC-32C and CRC-64/NVME, which Node lacks, and the CRC of two joined bodies from the CRCs of each.
//
// All are reflected CRCs with all bits set before and after (S3 user guide, "Checking object integrity"; the parameters
// are those of the CRC catalogue).

/** Reversed polynomials. */
const CRC32_POLYNOMIAL = 0xedb88320n;
const CRC32C_POLYNOMIAL = 0x82f63b78n;
const CRC64NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

export type CrcName = 'CRC32' | 'CRC32C' | 'CRC64NVME';

const SHAPES: Record<CrcName, { polynomial: bigint; bits: bigint }> = {
  CRC32: { polynomial: CRC32_POLYNOMIAL, bits: 32n },
  CRC32C: { polynomial: CRC32C_POLYNOMIAL, bits: 32n },
  CRC64NVME: { polynomial: CRC64NVME_POLYNOMIAL, bits: 64n },
};

/** Goes on from a CRC over what came before; 0 at the start. */
export function crc32c(bytes: Uint8Array, before: number): number {
  let crc = ~before;
  for (let at = 0; at < bytes.length; at++) {
    crc = (CRC32C_TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** In two halves, since BigInt takes fifty times as long. */
export interface Crc64 {
  high: number;
  low: number;
}

export function crc64nvme(bytes: Uint8Array, before: Crc64): Crc64 {
  let high = ~before.high;
  let low = ~before.low;
  for (let at = 0; at < bytes.length; at++) {
    const index = (low ^ (bytes[at] ?? 0)) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (CRC64_LOW[index] ?? 0);
    high = (high >>> 8) ^ (CRC64_HIGH[index] ?? 0);
  }
  return { high: ~high >>> 0, low: ~low >>> 0 };
}

/** The CRC of a body whose first part has the CRC `first`, and whose second, of so many bytes, has `second`. */
export function joinedCrc(name: CrcName, first: bigint, second: bigint, secondBytes: number): bigint {
  const { polynomial, bits } = SHAPES[name];
  const one = 1n << (bits - 1n);
  // In the reflected form x^8 is one shifted right by eight.
  let factor = one >> 8n;
  let power = one;
  for (let left = BigInt(secondBytes); left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) power = multiply(power, factor, polynomial, one);
    factor = multiply(factor, factor, polynomial, one);
  }
  return multiply(power, first, polynomial, one) ^ second;
}

/** Of two reflected polynomials, modulo a third. */
function multiply(left: bigint, right: bigint, polynomial: bigint, one: bigint): bigint {
  let product = 0n;
  let shifted = right;
  for (let bit = one; bit > 0n; bit >>= 1n) {
    if ((left & bit) !== 0n) product ^= shifted;
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}

function tableOf(polynomial: bigint): bigint[] {
  return Array.from({ length: 256 }, (_, byte) => {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    return crc;
  });
}

const CRC32C_TABLE = Int32Array.from(tableOf(CRC32C_POLYNOMIAL), (crc) => Number(crc) | 0);
const CRC64_TABLE = tableOf(CRC64NVME_POLYNOMIAL);
const CRC64_LOW = Int32Array.from(CRC64_TABLE, (crc) => Number(crc & 0xffffffffn) | 0);
const CRC64_HIGH = Int32Array.from(CRC64_TABLE, (crc) => Number(crc >> 32n) | 0);
