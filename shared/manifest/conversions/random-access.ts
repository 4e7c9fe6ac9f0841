// Any bytes of a file, as Parquet is read.
import type { RandomAccess } from '../parquet/footer.ts';
import type { ConversionFile, ConversionInput } from './conversion.ts';

export function randomAccess({ read }: Pick<ConversionInput, 'read'>, file: ConversionFile): RandomAccess {
  return {
    sizeBytes: file.sizeBytes,
    read: async (start, end) => Buffer.concat(await Array.fromAsync(read(file, start, end))),
  };
}
