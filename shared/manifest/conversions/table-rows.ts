// Rows of a CSV file without a header, whose columns something else names. Such files come from AWS as a whole: a row that can't
// be read shows that the file is not what its list says, and fails the job before any row is sent.
import { isUtf8 } from 'node:buffer';
import { decodedKey } from '../../keys/encoded-key.ts';
import { splitQuotedRow } from '../formats/csv-quoted-row.ts';
import { COMMAS } from '../formats/dialect.ts';
import { scanRows } from '../lines/scan.ts';
import { writeSource } from '../s3-source.ts';
import { ConversionFault } from './conversion.ts';

/** An object to copy to the same key. What is absent may be empty too. */
interface CopiedObject {
  bucket: string;
  key: string;
  version?: string | undefined;
  size?: string | undefined;
}

/**
 * The rows as lines that copy the objects that they name.
 * @param place of the file, for messages
 * @param objectOf with its key URL-encoded, as S3 writes it (cloud-custodian issue 1997); undefined for a row that is left out
 */
export async function* copyLines(
  text: AsyncIterable<Uint8Array>,
  columns: number,
  place: string,
  objectOf: (fields: readonly string[]) => CopiedObject | undefined,
): AsyncGenerator<Uint8Array> {
  let row = 0;
  for await (const rows of tableRows(text, columns, place)) {
    let lines = '';
    for (const fields of rows) {
      row += 1;
      const object = objectOf(fields);
      if (object === undefined) continue;
      const key = decodedKey(object.key);
      if (key === undefined) throw rowFault(place, row, 'has a key that is not URL-encoded');
      lines += copyLine({ ...object, key });
    }
    if (lines !== '') yield Buffer.from(lines);
  }
}

async function* tableRows(
  text: AsyncIterable<Uint8Array>,
  columns: number,
  place: string,
): AsyncGenerator<string[][]> {
  const range = { startOffset: 0, startLine: 1, endOffset: Number.MAX_SAFE_INTEGER };
  for await (const { bytes, rows } of scanRows(COMMAS.rowEnds, range, () => text)) {
    const isText = isUtf8(bytes.subarray(0, rows.at(-1)?.end));
    yield rows.map(({ kind, start, end, line }) => {
      if ((kind !== 'plain' && kind !== 'quoted') || !isText)
        throw rowFault(place, line, isText ? 'does not end as a row of CSV' : 'is not UTF-8');
      const row = bytes.toString('utf8', start, end);
      const fields = fieldsOf(row, kind === 'quoted', columns);
      if (fields.length !== columns)
        throw rowFault(place, line, `has ${fields.length} fields, and the schema ${columns} columns`);
      return fields;
    });
  }
}

/** Most files of AWS quote every field, and no field holds a quote: then no parser is needed. */
function fieldsOf(row: string, isQuoted: boolean, columns: number): string[] {
  if (!isQuoted) return row.split(',');
  const simple = row.slice(1, -1).split('","');
  const isSimple = simple.length === columns && row.startsWith('"') && row.endsWith('"');
  return isSimple && simple.every((field) => !field.includes('"')) ? simple : splitQuotedRow(row, ',');
}

function rowFault(place: string, line: number, what: string) {
  return new ConversionFault(
    'ListedFileBroken',
    `line ${line} of ${place} ${what}: the file is not what its list says`,
  );
}

/** The object as a line of NDJSON. */
export function copyLine({ bucket, key, version, size }: CopiedObject): string {
  return `${JSON.stringify({
    key,
    source: writeSource(bucket, key),
    source_version: version === '' ? undefined : version,
    size: size === '' ? undefined : size,
  })}\n`;
}
