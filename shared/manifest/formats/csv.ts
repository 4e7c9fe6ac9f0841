// Rows with a header between commas (CSV, RFC 4180) or tabs: fields are read by the header's names, and an empty field is an
// absent one.
import type { ItemFault } from '../column-checks.ts';
import { isKnownColumn, isManifestColumn, isReservedColumn } from '../columns.ts';
import type { Detected, ManifestFormat, ManifestStart } from '../format.ts';
import { type RowRules, readRows } from '../lines/read.ts';
import { splitRows } from '../lines/split.ts';
import { firstRowOf, holdsNul, refusalOfText } from '../lines/start.ts';
import { put, targetOf } from '../named-columns.ts';
import { plainCsvRows } from '../plain-row.ts';
import { sizeOf } from '../written-numbers.ts';
import { headerColumns, openHeader, type SeparatedHead } from './csv-header.ts';
import { splitRow } from './csv-quoted-row.ts';
import { isHeaderLine } from './csv-repeated-header.ts';
import { isOtherHeader, isSeparatedBy, namedSeparator, namesIn } from './csv-separators.ts';
import { COMMAS, type Dialect } from './dialect.ts';

export const csv: ManifestFormat<SeparatedHead> = {
  ...createSeparated(COMMAS),
  name: 'csv',
  endings: ['csv'],
  contentTypes: ['text/csv', 'application/csv'],
  saveAs: 'CSV with a header row',
  nameIt: `.csv, with a header row (columns: ${headerColumns.join(', ')})`,
};

/** What the formats with a header have in common. */
export function createSeparated(
  dialect: Dialect,
): Pick<ManifestFormat<SeparatedHead>, 'kin' | 'detect' | 'open' | 'split' | 'read'> {
  return {
    kin: 'separated',
    detect: (start) => detect(start, dialect),
    open: (start) => refusalOfText(start) ?? openHeader(start, dialect),
    split: (_, range, read, limits) => splitRows(dialect.rowEnds, range, read, limits),
    read: (head, range, read) => readRows(rulesFor(head, dialect), range, read),
  };
}

/**
 * Excel's line `sep=`, or a header: it names a known column. Tabs are TSV's where a known column stands between them and
 * none between commas. A separator that no format reads is CSV's, whose fault names the remedy.
 */
function detect(start: ManifestStart, { format, name, separator, rowEnds }: Dialect): Detected | undefined {
  if (holdsNul(start)) return undefined;
  const first = firstRowOf(start, rowEnds);
  if (first.kind === 'blank') return undefined;
  const named = first.kind === 'row' ? namedSeparator(first.text) : undefined;
  if (named !== undefined) {
    const isOwn = (named === '\t') === (separator === '\t');
    return isOwn ? { kind: 'own', shows: `Excel's line sep=, as in ${name}` } : undefined;
  }
  return headerFormat(first.text) === format ? { kind: 'own', shows: `a ${name} header` } : undefined;
}

function headerFormat(line: string): Dialect['format'] | undefined {
  // An object may hold the name of a column between commas; no name of a column begins with a brace.
  if (line.trimStart().startsWith('{')) return undefined;
  if (namesIn(line, ',').some(isKnownColumn) || isSeparatedBy(line, ',')) return 'csv';
  if (isSeparatedBy(line, '\t')) return 'tsv';
  return isOtherHeader(line) ? 'csv' : undefined;
}

function rulesFor({ columns, extraColumns = [] }: SeparatedHead, { rowEnds, separator }: Dialect): RowRules {
  const extras = extraColumns.map((name) => [name, columns.indexOf(name)] as const);
  const targets = columns.map((name) => (isManifestColumn(name) ? targetOf(name) : undefined));
  const read = columns.map((name) => (isReservedColumn(name) ? undefined : name));
  return {
    rowEnds,
    separatorName: nameOfSeparator(separator),
    readPlain: extras.length === 0 ? plainCsvRows(columns, separator) : undefined,
    recordOf(text, span) {
      const fields = splitRow(text, separator, span.kind === 'quoted', targets.length);
      if (namedSeparator(text) !== undefined) return separatorRepeated;
      if (fields.length !== targets.length) return columnCount(fields, targets.length, separator);
      if (isHeaderLine(fields, read, extraColumns)) return headerRepeated;
      const record: Record<string, unknown> = {};
      for (let index = 0; index < targets.length; index++) {
        const target = targets[index];
        const field = fields[index];
        if (target !== undefined && field !== '') {
          put(record, target, target.column === 'size' ? sizeOf(field ?? '') : field);
        }
      }
      return extras.length === 0 ? { record } : { record, columns: columnsOf(extras, fields) };
    },
  };
}

/** Those that are not empty. `Object.fromEntries` makes own properties, also of `__proto__`. */
function columnsOf(extras: readonly (readonly [string, number])[], fields: readonly string[]) {
  const filled = extras.map(([name, index]) => [name, fields[index] ?? ''] as const);
  return Object.fromEntries(filled.filter(([, field]) => field !== ''));
}

const headerRepeated: ItemFault = {
  code: 'HeaderRepeated',
  message:
    'the row is a header line: files were joined with their headers; leave out all but the first (rows behind it are read by the first)',
};

const separatorRepeated: ItemFault = {
  code: 'HeaderRepeated',
  message:
    'the row is the line sep= that Excel reads as the name of the separator: files were joined with it; leave it out',
};

/** @param model the row that says how many there should be */
export function columnCount(
  fields: readonly string[],
  columns: number,
  separator: string,
  model = 'the header',
): ItemFault {
  const counts = `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}; ${model} has ${columns} columns`;
  return { code: 'ColumnCount', message: `${counts}: ${columnCountRemedy(fields, columns, separator)}` };
}

const nameOfSeparator = (separator: string) => (separator === '\t' ? 'tab' : 'comma');

function columnCountRemedy(fields: readonly string[], columns: number, separator: string): string {
  const name = nameOfSeparator(separator);
  if (fields.length === 1 && fields[0] === '\u001a')
    return 'the row is Ctrl-Z, which old programs write at the end of a file: remove it';
  if (fields.some((field) => field.includes('\r')))
    return 'the row holds a lone carriage return: save the manifest with LF or CRLF line ends';
  if (fields.every((field) => field === '')) return 'all its fields are empty: remove the row';
  return fields.length > columns
    ? `put fields that hold ${name}s into quotes`
    : `write a ${name} for each empty field`;
}
