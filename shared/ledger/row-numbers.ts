// Numbers of a block's rows as bytes, for the members of a binary set. Rows that end together are one member: the first number,
// then the distance to each next one, as variable-length integers (LEB128: seven bits a byte, the lowest first).
//
// DynamoDB bills an update by the whole item. A number of a number set takes 3 bytes; here a row takes one, or two where it ends
// alone. So a block of 500 rows stays within 1 KB, one write unit, however its rows end.

const MORE = 0x80;
const SEVEN_BITS = 0x7f;
/** Above every number of a row in its block; it takes three bytes at most. */
const MAX_NUMBER = 100_000;
const MAX_SHIFT = 14;

/** @param numbers at least one: DynamoDB takes no empty member */
export function encodeNumbers(numbers: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  let before = 0;
  for (const number of [...new Set(numbers)].toSorted((left, right) => left - right)) {
    let left = number - before;
    before = number;
    for (; left > SEVEN_BITS; left >>>= 7) bytes.push((left & SEVEN_BITS) | MORE);
    bytes.push(left);
  }
  return Uint8Array.from(bytes);
}

/** @returns undefined where the bytes are not of encodeNumbers */
export function decodeNumbers(bytes: Uint8Array): number[] | undefined {
  const numbers: number[] = [];
  let number = 0;
  let step = 0;
  let shift = 0;
  for (const byte of bytes) {
    if (shift > MAX_SHIFT) return undefined;
    step += (byte & SEVEN_BITS) * 2 ** shift;
    shift += 7;
    if (number + step > MAX_NUMBER) return undefined;
    if ((byte & MORE) !== 0) continue;
    number += step;
    numbers.push(number);
    step = 0;
    shift = 0;
  }
  return shift === 0 ? numbers : undefined;
}
