// Numbers of a block's rows as bytes. DynamoDB bills an update by the whole item, and a number of a number set takes 3 bytes.
//
//   member   of a binary set, for rows that end together: the first number, then the distance to each next one, as variable-length
//            integers (LEB128: seven bits a byte, the lowest first). A row takes one byte, or two where it ends alone
//   map      a bit for each row, the lowest first: 250 bytes for a block of 2,000 rows

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

/** @param numbers up to MAX_NUMBER */
export function encodeMap(numbers: readonly number[]): Uint8Array {
  const highest = numbers.reduce((most, number) => Math.max(most, number), 0);
  const bytes = new Uint8Array((highest >> 3) + 1);
  for (const number of numbers) {
    const at = number >> 3;
    bytes[at] = (bytes[at] ?? 0) | (1 << (number & 7));
  }
  return bytes;
}

/** @returns the numbers up to MAX_NUMBER, in order: another program's bytes may hold more */
export function decodeMap(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  const most = Math.min(bytes.length * 8, MAX_NUMBER + 1);
  for (let number = 0; number < most; number++) {
    if (((bytes[number >> 3] ?? 0) & (1 << (number & 7))) !== 0) numbers.push(number);
  }
  return numbers;
}
