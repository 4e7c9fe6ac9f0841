// Tells a header line among the rows of a CSV manifest: `cat a.csv b.csv` leaves one at the start of each file.
//
// A row is one when the columns that are read hold names of columns, `key` and that of a payload among them: also in another
// order than the first header has, after a byte order mark, in quotes, between spaces. An object of it would have the key `key`.
import { isKnownColumn, isReservedColumn, payloadColumns } from '../columns.ts';

/** Longer than any name of a column with spaces, quotes and a byte order mark around it: most rows end at this test. */
const maximumFieldLength = 24;

/**
 * @param fields of the row, as many as the header has
 * @param names of the columns that are read; undefined for the others
 */
export function isHeaderLine(fields: readonly string[], names: readonly (string | undefined)[]): boolean {
  let isKeyNamed = false;
  let isPayloadNamed = false;
  for (let index = 0; index < names.length; index++) {
    if (names[index] === undefined) continue;
    const field = fields[index] ?? '';
    // Most rows end here, at their first field: without a call that looks through it.
    if (field.length > maximumFieldLength || field === '') return false;
    const name = nameIn(field);
    if (!isKnownColumn(name) && !isReservedColumn(name)) return false;
    isKeyNamed ||= name === 'key';
    isPayloadNamed ||= payloadColumns.some((payload) => payload === name);
  }
  return isKeyNamed && isPayloadNamed;
}

/** As the header's own names are read. Trimming takes a byte order mark, too, behind which quotes are part of the field. */
function nameIn(field: string): string {
  const trimmed = field.trim();
  return trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1).trim() : trimmed;
}
