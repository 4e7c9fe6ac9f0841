// The object is in the row itself: as text, or as bytes in base64.
import { guessContentType } from '../attributes/content-type.ts';
import type { ManifestItem } from '../manifest/columns.ts';
import { createBytesWriter, writerOfBytes } from '../transfer/bytes-writer.ts';
import type { ObjectWrite } from '../transfer/object-writer.ts';
import type { Source } from './source.ts';

export const inline: Source = {
  // The row is all that is read.
  check: () => undefined,
  createWriter({ s3, clock }) {
    const writer = createBytesWriter(s3, clock);
    return {
      begin: (item, write) => writerOfBytes(writer, { ...withType(write), bytes: bytesOf(item) }),
    };
  },
};

/** With the type that the key's ending says, where the row and its job have none. */
function withType(write: ObjectWrite): ObjectWrite {
  const { attributes = {}, destination, guessesType } = write;
  if (guessesType !== true || attributes.contentType !== undefined) return write;
  const contentType = guessContentType(destination.key);
  return contentType === undefined ? write : { ...write, attributes: { ...attributes, contentType } };
}

export function bytesOf({ text, base64 = '' }: Pick<ManifestItem, 'text' | 'base64'>): Uint8Array {
  return text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text, 'utf8');
}
