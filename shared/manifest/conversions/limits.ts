// How much text a conversion may make. A small file can expand to any size, by accident or by malice.
import { type Unreadable, unreadable } from '../format.ts';
import { ConversionFault } from './conversion.ts';

/** Bytes of text of one unit: more than one invocation of ingest converts in its time (docs/manifests.md has measurements). */
export const MAX_CONVERTED_BYTES = 16 * 1024 ** 3;

/** Lines of text of one unit. At 16 bytes a line, less than any list of objects has, they fill the limit on bytes. */
const MAX_CONVERTED_LINES = MAX_CONVERTED_BYTES / 16;

/** Bytes of text for each compressed byte. Lists of objects have 5 to 50, files of one repeated byte 1,000 and more. */
const MAX_RATIO = 500;
/** Bytes of text that are not judged by their ratio: the start of a file may be repetitive. */
const RATIO_AFTER_BYTES = 16 * 1024 * 1024;

const LINE_FEED = 0x0a;

/**
 * Passes text on as long as it is within the limits.
 * @param consumedBytes compressed bytes that the text so far was made of
 */
export async function* limited(
  name: string,
  text: AsyncIterable<Buffer>,
  consumedBytes: () => number,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of text) {
    bytes += chunk.length;
    const consumed = consumedBytes();
    if (bytes > MAX_CONVERTED_BYTES) {
      throw new ConversionFault(
        'ExpandedTooLarge',
        `the first ${consumed} bytes of the ${name} expand to more than ${MAX_CONVERTED_BYTES}: split the manifest, or drop it unpacked`,
      );
    }
    if (bytes > RATIO_AFTER_BYTES && bytes > MAX_RATIO * consumed) {
      throw new ConversionFault(
        'ExpandedTooLarge',
        `the first ${consumed} bytes of the ${name} expand to ${bytes}, more than ${MAX_RATIO} for each: if this is a list of objects, drop it unpacked`,
      );
    }
    yield chunk;
  }
}

/** Why a manifest that grows little by its conversion is too large for it; undefined where it is not. */
export function oversized({ sizeBytes }: { sizeBytes: number }): Unreadable | undefined {
  return sizeBytes <= MAX_CONVERTED_BYTES
    ? undefined
    : unreadable(
        'ExpandedTooLarge',
        `the manifest has ${sizeBytes} bytes, and up to ${MAX_CONVERTED_BYTES} can be converted: split it, or drop it as NDJSON`,
      );
}

/** Passes the text of a unit on as long as it has no more lines than a unit may have. */
export async function* linesLimited(
  text: AsyncIterable<Uint8Array>,
  mostLines: number = MAX_CONVERTED_LINES,
): AsyncGenerator<Uint8Array> {
  let lines = 0;
  for await (const chunk of text) {
    lines += lineFeedsIn(chunk);
    if (lines > mostLines) {
      throw new ConversionFault(
        'ExpandedTooLarge',
        `the manifest converts to more than ${mostLines} lines: split it into several manifests`,
      );
    }
    yield chunk;
  }
}

function lineFeedsIn({ buffer, byteOffset, length }: Uint8Array): number {
  const chunk = Buffer.from(buffer, byteOffset, length);
  let lineFeeds = 0;
  // A search from line to line: with lines of 20 bytes it is as fast as a loop over the bytes, with those of 100 four times.
  for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lineFeeds += 1;
  return lineFeeds;
}
