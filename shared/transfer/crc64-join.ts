// The CRC64NVME of an object from those of its parts: S3 knows it of the whole object alone, and a part's bytes are gone once it
// is sent.
//
// A CRC is a remainder of polynomials. Behind a body of N bytes, what came before counts x^(8N) as much. (zlib's crc32_combine)

/** Reversed, as in the CRC catalogue; bits are set before and after, which cancel out here. */
const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const ONE = 1n << 63n;

export interface SummedPart {
  /** Base64. */
  checksum: string;
  bytes: number;
}

/** @returns base64 */
export function joinedCrc64(parts: readonly SummedPart[]): string {
  const joined = parts.reduce((before, { checksum, bytes }) => {
    return multiply(powerOf(bytes), before) ^ Buffer.from(checksum, 'base64').readBigUInt64BE();
  }, 0n);
  const sum = Buffer.alloc(8);
  sum.writeBigUInt64BE(joined);
  return sum.toString('base64');
}

/** x^(8 * bytes), by squaring. */
function powerOf(bytes: number): bigint {
  let factor = ONE >> 8n;
  let power = ONE;
  for (let left = BigInt(bytes); left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) power = multiply(power, factor);
    factor = multiply(factor, factor);
  }
  return power;
}

function multiply(left: bigint, right: bigint): bigint {
  let product = 0n;
  let shifted = right;
  for (let bit = ONE; bit > 0n; bit >>= 1n) {
    if ((left & bit) !== 0n) product ^= shifted;
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ POLYNOMIAL : shifted >> 1n;
  }
  return product;
}
