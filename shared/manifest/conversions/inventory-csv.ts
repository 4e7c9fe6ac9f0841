// The CSV files of an S3 Inventory: gzip, no header, every field quoted, keys URL-encoded.
import type { ConversionInput } from './conversion.ts';
import { gunzip } from './gzip.ts';
import { findFile, type ListedFile, placeOf, readChecked } from './listed-files.ts';
import { copyLine, decodedKey, rowFault, tableRows } from './table-rows.ts';

/** @param columns names of the fields, in their order */
export async function* inventoryCsvLines(
  input: ConversionInput,
  listed: ListedFile,
  columns: readonly string[],
): AsyncGenerator<Uint8Array> {
  const file = await findFile(input, listed);
  const place = placeOf(listed);
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
  let row = 0;
  for await (const rows of tableRows(text, columns.length, place)) {
    let lines = '';
    for (const fields of rows) {
      row += 1;
      if (fields[places.isLatest] === 'false' || fields[places.isDeleteMarker] === 'true') continue;
      const bucket = fields[places.bucket] ?? '';
      const key = decodedKey(fields[places.key] ?? '');
      if (key === undefined) throw rowFault(place, row, 'has a key that is not URL-encoded');
      const version = fields[places.version] ?? '';
      lines += copyLine({ bucket, key, version, size: fields[places.size] ?? '' });
    }
    if (lines !== '') yield Buffer.from(lines);
  }
}
