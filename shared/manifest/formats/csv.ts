// CSV with a header row, by RFC 4180: fields are read by the header's names, and an empty field is an absent one.
import { isKnownColumn, isReservedColumn, knownColumns } from '../columns.ts';
import type { Detected, ManifestFormat, ManifestStart } from '../format.ts';
import { type RowRules, readRows, type UnreadableRow } from '../lines/read.ts';
import { splitRows } from '../lines/split.ts';
import { firstRowOf, holdsNul, refusalOfText } from '../lines/start.ts';
import { headerNameOf, put, targetOf } from '../named-columns.ts';
import { sizeOf } from '../written-numbers.ts';
import { type CsvHead, openHeader } from './csv-header.ts';
import { quotedRows, splitQuotedRow } from './csv-quoted-row.ts';
import { isHeaderLine } from './csv-repeated-header.ts';
import { isOtherHeader, namedSeparator } from './csv-separators.ts';

/** As a header names them. */
const csvColumns = knownColumns.map(headerNameOf);

export const csv: ManifestFormat<CsvHead> = {
  name: 'csv',
  endings: ['csv'],
  contentTypes: ['text/csv', 'application/csv'],
  saveAs: 'CSV with a header row',
  nameIt: `.csv, with a header row (columns: ${csvColumns.join(', ')})`,
  detect,
  open: (start) => refusalOfText(start) ?? openHeader(start),
  split: (_, range, read, limits) => splitRows(quotedRows, range, read, limits),
  read: ({ columns }, range, read) => readRows(rulesFor(columns), range, read),
};

/** Excel's line `sep=`, or a header: it names a known column, also between other separators than commas. */
function detect(start: ManifestStart): Detected | undefined {
  if (holdsNul(start)) return undefined;
  const first = firstRowOf(start, quotedRows);
  if (first.kind === 'blank') return undefined;
  if (first.kind === 'row' && namedSeparator(first.text) !== undefined)
    return { kind: 'own', shows: "Excel's line sep=, as in CSV" };
  return namesColumn(first.text) ? { kind: 'own', shows: 'a CSV header' } : undefined;
}

function namesColumn(line: string): boolean {
  // An object may hold the name of a column between commas; no name of a column begins with a brace.
  if (line.trimStart().startsWith('{')) return false;
  const names = line.split(',').map((name) => name.replaceAll('"', '').trim());
  return names.some(isKnownColumn) || isOtherHeader(line);
}

function rulesFor(columns: readonly string[]): RowRules {
  const names = columns.map((name) => (isReservedColumn(name) ? undefined : name));
  const targets = names.map((name) => (name === undefined ? undefined : targetOf(name)));
  return {
    rowEnds: quotedRows,
    recordOf(text, span) {
      const fields = span.kind === 'quoted' ? splitQuotedRow(text) : text.split(',');
      if (namedSeparator(text) !== undefined) return separatorRepeated;
      if (fields.length !== names.length) return columnCount(fields, names.length);
      if (isHeaderLine(fields, names)) return headerRepeated;
      const record: Record<string, unknown> = {};
      for (let index = 0; index < names.length; index++) {
        const target = targets[index];
        const field = fields[index];
        if (target !== undefined && field !== '') {
          put(record, target, target.column === 'size' ? sizeOf(field ?? '') : field);
        }
      }
      return { record };
    },
  };
}

const headerRepeated: UnreadableRow = {
  code: 'HeaderRepeated',
  message:
    'the row is a header line: files were joined with their headers; leave out all but the first (rows behind it are read by the first)',
};

const separatorRepeated: UnreadableRow = {
  code: 'HeaderRepeated',
  message:
    'the row is the line sep= that Excel reads as the name of the separator: files were joined with it; leave it out',
};

function columnCount(fields: readonly string[], columns: number): UnreadableRow {
  const counts = `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}; the header has ${columns} columns`;
  return { code: 'ColumnCount', message: `${counts}: ${columnCountRemedy(fields, columns)}` };
}

function columnCountRemedy(fields: readonly string[], columns: number): string {
  if (fields.length === 1 && fields[0] === '\u001a')
    return 'the row is Ctrl-Z, which old programs write at the end of a file: remove it';
  if (fields.some((field) => field.includes('\r')))
    return 'the row holds a lone carriage return: save the manifest with LF or CRLF line ends';
  if (fields.every((field) => field === '')) return 'all its fields are empty: remove the row';
  return fields.length > columns
    ? 'put fields that hold commas into quotes'
    : 'write a comma for each empty field';
}
