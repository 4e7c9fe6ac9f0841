// The size of a DynamoDB item as AWS bills it, for the calls whose answer does not say their units.
//
// Names and values in UTF-8 bytes; a number takes a byte for two digits and one more; a list or map takes three bytes
// and one for each member (developer guide, "DynamoDB item sizes and formats").

export type AttributeValue = Record<string, unknown>;
export type Item = Record<string, AttributeValue>;

export function itemSizeBytes(item: Item): number {
  let size = 0;
  for (const [name, value] of Object.entries(item)) size += Buffer.byteLength(name) + valueSize(value);
  return size;
}

export function writeUnits(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / 1024));
}

export function readUnits(sizeBytes: number, consistent: boolean): number {
  return Math.max(1, Math.ceil(sizeBytes / 4096)) * (consistent ? 1 : 0.5);
}

function valueSize(attribute: AttributeValue): number {
  const [type, value] = Object.entries(attribute)[0] ?? [];
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(value));
    case 'N':
      return numberSize(String(value));
    case 'B':
      return binarySize(value);
    case 'SS':
      return sum((value as string[]).map((text) => Buffer.byteLength(text)));
    case 'NS':
      return sum((value as string[]).map(numberSize));
    case 'BS':
      return sum((value as unknown[]).map(binarySize));
    case 'L':
      return 3 + sum((value as AttributeValue[]).map((member) => 1 + valueSize(member)));
    case 'M':
      return 3 + Object.keys(value as Item).length + itemSizeBytes(value as Item);
    default:
      return 1; // BOOL, NULL
  }
}

/** Base64 as it comes over the wire, or the SDK's bytes. */
function binarySize(value: unknown): number {
  return value instanceof Uint8Array ? value.length : Buffer.byteLength(String(value), 'base64');
}

function numberSize(text: string): number {
  return Math.ceil(text.replace(/[-.]|e.*$/gi, '').length / 2) + 1;
}

function sum(sizes: number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
