// Recognises a header line among the rows of a CSV or TSV manifest: `cat a.csv b.csv` leaves one at the start of each file.
//
// A row is a header if the columns that are read hold names of columns, among them `key` and a payload column. Their order
// may differ from the first header's, and byte order mark, quotes and spaces may surround them. Read as a row, it would
// write an object with the key `key`.
import { isManifestColumn, isReservedColumn, payloadColumns } from '../columns.ts';
import { isNamedColumn } from '../named-columns.ts';

/** Longer than any column name but of metadata and tags, with spaces, quotes and a byte order mark around it. */
const maximumFieldLength = 24;

/**
 * @param fields of the row, as many as the header has
 * @param names of the columns that are read; undefined for the others
 * @param extraColumns those of the names that only the job's key template knows
 */
export function isHeaderLine(
  fields: readonly string[],
  names: readonly (string | undefined)[],
  extraColumns: readonly string[],
): boolean {
  let isKeyNamed = false;
  let isPayloadNamed = false;
  for (let index = 0; index < names.length; index++) {
    if (names[index] === undefined) continue;
    const field = fields[index] ?? '';
    // Most rows end here, at their first field, without a further call.
    if (field === '') return false;
    if (field.length > maximumFieldLength && extraColumns.length === 0 && !isNamedColumn(nameIn(field)))
      return false;
    const name = nameIn(field);
    if (!isReservedColumn(name) && !isManifestColumn(name, extraColumns)) return false;
    isKeyNamed ||= name === 'key';
    isPayloadNamed ||= payloadColumns.some((payload) => payload === name);
  }
  return isKeyNamed && isPayloadNamed;
}

/** Reads a name as the header's are read. Trimming also removes a byte order mark; quotes behind one belong to the field. */
function nameIn(field: string): string {
  const trimmed = field.trim();
  return trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1).trim() : trimmed;
}
