// A JSON array, read as NDJSON: its elements become lines.
import { type ManifestStart, unreadable } from '../format.ts';
import type { ManifestHead } from '../formats/all.ts';
import { holdsNul, textPlace } from '../lines/start.ts';
import type { ConversionInput, ManifestConversion, OpenedConversion } from './conversion.ts';
import { elementLines } from './element-lines.ts';
import { oversized } from './limits.ts';
import { lineHead } from './line-head.ts';

/** The array is one unit. */
export const jsonArray: ManifestConversion<'array'> = {
  name: 'JSON array',
  // The ending .json names NDJSON as well: the content decides.
  endings: [],
  contentTypes: ['application/json'],
  detect: isJsonArray,
  open: async (input) => oversized(input.manifest) ?? openArray(linesOf(input), lineHead(input.start)),
  convert: (_, input) => linesOf(input),
};

function linesOf({ manifest, read }: ConversionInput): AsyncIterable<Buffer> {
  return elementLines(read(manifest, 0, manifest.sizeBytes));
}

/** Whether the text begins as an array of objects, arrays or strings, or as an empty one: `[key]` may be a header of CSV. */
export function isJsonArray(start: ManifestStart): boolean {
  if (holdsNul(start)) return false;
  const text = start.bytes.toString('latin1', textPlace(start).offset).trimStart();
  return /^\[(?:$|[[\]{"\s])/.test(text.slice(0, 2));
}

/** @param lines of the array, of which the first is read */
export async function openArray(
  lines: AsyncIterable<Buffer>,
  head: ManifestHead,
): Promise<OpenedConversion<'array'>> {
  for await (const line of lines) {
    if (line.length > 0) return { kind: 'convertible', head, units: ['array'] };
  }
  return unreadable('Empty', 'the JSON array is empty: it holds no element');
}
