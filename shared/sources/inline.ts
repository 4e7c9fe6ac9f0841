// The object is in the row itself: as text, or as bytes in base64.
import type { ManifestItem } from '../manifest/columns.ts';
import { createBytesWriter, writerOfBytes } from '../transfer/bytes-writer.ts';
import { withGuessedType } from '../transfer/object-writer.ts';
import type { Source } from './source.ts';

export const inline: Source = {
  // The row is all that is read.
  check: () => undefined,
  async createWriter({ s3, clock }) {
    const writer = createBytesWriter(s3, clock);
    return {
      begin: (item, write) => writerOfBytes(writer, { ...withGuessedType(write), bytes: bytesOf(item) }),
    };
  },
};

export function bytesOf({ text, base64 = '' }: Pick<ManifestItem, 'text' | 'base64'>): Uint8Array {
  return text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text, 'utf8');
}
