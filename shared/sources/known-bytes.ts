// The size of a row's object, as far as the row itself tells: of inline bytes, or by its column.
import type { ManifestItem } from '../manifest/columns.ts';

export function knownBytesOf({ text, base64, size }: ManifestItem): number | undefined {
  if (text !== undefined) return Buffer.byteLength(text, 'utf8');
  if (base64 !== undefined) return Buffer.byteLength(base64, 'base64');
  return size;
}
