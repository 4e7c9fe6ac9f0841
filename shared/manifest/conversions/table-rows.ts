// Rows of a CSV file without a header, whose columns something else names. Such files come from AWS as a whole: a row that can't
// be read shows that the file is not what its list says, and fails the job before any row is sent.
import { isUtf8 } from 'node:buffer';
import { splitQuotedRow } from '../formats/csv-quoted-row.ts';
import { COMMAS } from '../formats/dialect.ts';
import { scanRows } from '../lines/scan.ts';
import { writeSource } from '../s3-source.ts';
import { listFault } from './json-lists.ts';

/** @param place of the file, for messages */
export async function* tableRows(
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

export function rowFault(place: string, line: number | undefined, what: string) {
  const at = line === undefined ? '' : `line ${line} of `;
  return listFault('ListedFileBroken', `${at}${place} ${what}: the file is not what its list says`);
}

/** S3 encodes keys in CSV as forms are: a space is +, and a plus sign %2B (cloud-custodian issue 1997). */
export function decodedKey(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** An object to copy, as a line of NDJSON: to the same key. */
export function copyLine(object: { bucket: string; key: string; version?: string; size?: string }): string {
  const { bucket, key, version, size } = object;
  return `${JSON.stringify({
    key,
    source: writeSource(bucket, key),
    ...(version === undefined || version === '' ? {} : { source_version: version }),
    ...(size === undefined || size === '' ? {} : { size }),
  })}\n`;
}
