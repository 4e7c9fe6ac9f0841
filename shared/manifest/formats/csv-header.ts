// The header of a CSV or TSV manifest: the columns that it names, or why they can't be read.
import { isUtf8 } from 'node:buffer';
import { boundedName, boundedNames } from '../../text/bounded.ts';
import { redactedUnknown } from '../../text/redacted.ts';
import {
  isKnownColumn,
  isManifestColumn,
  isReservedColumn,
  knownColumns,
  payloadColumns,
  unknownColumns,
} from '../columns.ts';
import type { ManifestFault } from '../faults.ts';
import { type FormatHead, type ManifestStart, type Opened, type Unreadable, unreadable } from '../format.ts';
import { blankFault, type FirstRow, firstRowOf } from '../lines/start.ts';
import { faultOfNamedColumn, headerNameOf, identityOf } from '../named-columns.ts';
import { splitRow } from './csv-quoted-row.ts';
import { faultOfNamed, faultOfSeparator, namedSeparator, namesIn } from './csv-separators.ts';
import type { Dialect } from './dialect.ts';

export interface SeparatedHead extends FormatHead {
  format: 'csv' | 'tsv';
  /** The header's names in order, `spillway_*` ones included. */
  columns: string[];
}

/** As a header names them. */
export const headerColumns = knownColumns.map(headerNameOf);

/** The job's row, which every upload reads, holds the columns: `spillway_*` ones have no other bound. */
const maximumHeaderBytes = 2 * 1024;

const loneCarriageReturns = unreadable(
  'HeaderBroken',
  'lines end in a lone carriage return: save the manifest with LF or CRLF',
);

const commentBeforeHeader = unreadable(
  'UnknownColumn',
  'the first line begins with # and names no column: remove it, so that the header row is the first (PowerShell leaves its line #TYPE out with Export-Csv -NoTypeInformation)',
);

/** The first row, or the one behind Excel's line `sep=`. Such a line that names another separator is a fault. */
function findHeader(start: ManifestStart, dialect: Dialect): FirstRow | Unreadable {
  const first = firstRowOf(start, dialect.rowEnds);
  const separator = first.kind === 'row' ? namedSeparator(first.text) : undefined;
  if (first.kind !== 'row' || separator === undefined) return first;
  const fault = faultOfNamed(separator, dialect);
  return fault === undefined
    ? firstRowOf(start, dialect.rowEnds, first.next)
    : unreadable('WrongSeparator', fault);
}

export function openHeader(start: ManifestStart, dialect: Dialect): Opened<SeparatedHead> {
  const header = findHeader(start, dialect);
  if (header.kind === 'unreadable') return header;
  if (header.kind === 'blank') return blankFault(start);
  const otherSeparator = faultOfSeparator(header.text, dialect);
  if (otherSeparator !== undefined) return unreadable('WrongSeparator', otherSeparator);
  if (hasLoneReturn(header.text)) return loneCarriageReturns;
  if (header.text.trimStart().startsWith('#') && !namesIn(header.text, dialect.separator).some(isKnownColumn))
    return commentBeforeHeader;
  switch (header.kind) {
    case 'unfinished': {
      const message = `the header row does not end within ${start.bytes.length} bytes`;
      return unreadable('HeaderTooLong', message);
    }
    case 'broken':
      return unreadable(
        'HeaderBroken',
        'the header row has a quote that does not close before a separator or line end',
      );
    case 'row':
      return readHeader(header, start, dialect);
  }
}

/** Outside of quotes: a name in quotes may hold any character. The CR of the row's own line end is not in its text. */
function hasLoneReturn(header: string): boolean {
  const at = header.search(/\r(?!\n)/);
  return at !== -1 && header.slice(0, at).split('"').length % 2 === 1;
}

function readHeader(
  { text: latin1, isQuoted, next: body }: Extract<FirstRow, { kind: 'row' }>,
  { extraColumns = [] }: ManifestStart,
  { format, separator }: Dialect,
): Opened<SeparatedHead> {
  const bytes = Buffer.from(latin1, 'latin1');
  if (!isUtf8(bytes)) {
    return unreadable(
      'NotUtf8',
      'the header row is not UTF-8 (posted as text, U+FFFD counts as a byte that was not): save the manifest as UTF-8',
    );
  }
  const text = bytes.toString('utf8');
  const columns = splitRow(text, separator, isQuoted).map((name) => name.trim());
  const faults = headerFaults(columns, extraColumns);
  const first = faults[0];
  if (first !== undefined) {
    return unreadable(first.code, faults.map((fault) => fault.message).join('; '));
  }
  if (bytes.length > maximumHeaderBytes) {
    return unreadable(
      'HeaderTooLong',
      `the header row has ${bytes.length} bytes, above ${maximumHeaderBytes}: leave out columns that are named spillway_*`,
    );
  }
  return {
    kind: 'readable',
    head: { format, columns, bodyOffset: body.offset, bodyLine: body.line },
  };
}

/** What is wrong with the names of the columns of a table, whatever its format. */
export function headerFaults(
  columns: string[],
  extraColumns: readonly string[],
): { code: ManifestFault; message: string }[] {
  const faults: { code: ManifestFault; message: string }[] = [];
  const add = (code: ManifestFault, message: string) => faults.push({ code, message });
  const names = new Set(columns);
  const isRead = (name: string) => isManifestColumn(name, extraColumns);
  const unknown = [...names].filter((name) => name !== '' && !isReservedColumn(name) && !isRead(name));
  if (unknown.length > 0) add('UnknownColumn', unknownColumns(unknown, headerNameOf));
  if (names.has('')) {
    const remedy = 'name it, or leave it out (spreadsheets: delete the whole column; pandas: index=False)';
    add('HeaderNameMissing', `column ${columns.indexOf('') + 1} has no name: ${remedy}`);
  }
  for (const name of names) {
    const fault = faultOfNamedColumn(name);
    if (fault !== undefined) add('ColumnNameInvalid', fault);
  }
  for (const name of repeated(columns.filter(isRead)))
    add('DuplicateColumn', `column ${boundedName(redactedUnknown(name))} is there twice`);
  if (!names.has('key')) add('KeyColumnMissing', 'there is no column key');
  const lacking = boundedNames(extraColumns.filter((name) => !names.has(name)));
  if (lacking !== '')
    add('TemplateColumnMissing', `the option key-template names columns that the header lacks: ${lacking}`);
  if (!payloadColumns.some((name) => names.has(name)))
    add('PayloadColumnMissing', `there is none of the columns ${payloadColumns.join(', ')}`);
  return faults;
}

function repeated(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const twice = names.map(identityOf).filter((name) => {
    if (seen.has(name)) return true;
    seen.add(name);
    return false;
  });
  return new Set(twice);
}
