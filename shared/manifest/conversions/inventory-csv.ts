// The CSV files of an S3 Inventory: gzip, no header, every field quoted, keys URL-encoded.
import type { ConversionInput } from './conversion.ts';
import { gunzip } from './gzip.ts';
import { findFile, type ListedFile, placeOf, readChecked } from './listed-files.ts';
import { copyLines } from './table-rows.ts';

/** @param columns names of the fields, in their order */
export async function* inventoryCsvLines(
  input: ConversionInput,
  listed: ListedFile,
  columns: readonly string[],
): AsyncGenerator<Uint8Array> {
  const file = await findFile(input, listed);
  const at = (name: string) => columns.indexOf(name);
  const places = {
    ...{ bucket: at('Bucket'), key: at('Key'), version: at('VersionId'), size: at('Size') },
    ...{ isLatest: at('IsLatest'), isDeleteMarker: at('IsDeleteMarker') },
  };
  const text = gunzip({
    sizeBytes: file.sizeBytes,
    // What follows the gzip, if anything does, is asked for once more.
    read: (start, end) => (start === 0 ? readChecked(input, listed, file) : input.read(file, start, end)),
  });
  yield* copyLines(text, columns.length, placeOf(listed), (fields) => {
    if (fields[places.isLatest] === 'false' || fields[places.isDeleteMarker] === 'true') return undefined;
    return {
      bucket: fields[places.bucket] ?? '',
      key: fields[places.key] ?? '',
      version: fields[places.version],
      size: fields[places.size],
    };
  });
}
