// The two forms of rows with a header: fields between commas (CSV, RFC 4180) and between tabs (TSV). All else is the same.
//
// IANA's text/tab-separated-values knows no quotes, but Excel and Python's excel-tab write them. So quotes mean the same
// in both forms: a quote at the start of a field opens it, and a field with a tab, a line end or such a quote needs them.
import type { RowEnds } from '../lines/scan.ts';
import { createQuotedRows } from './csv-quoted-row.ts';

export interface Dialect {
  format: 'csv' | 'tsv';
  /** As messages call it. */
  name: string;
  separator: string;
  /** Completes "Spillway reads …". */
  separators: string;
  rowEnds: RowEnds;
}

export const COMMAS: Dialect = {
  format: 'csv',
  name: 'CSV',
  separator: ',',
  separators: 'commas',
  rowEnds: createQuotedRows(','),
};

export const TABS: Dialect = {
  format: 'tsv',
  name: 'TSV',
  separator: '\t',
  separators: 'tabs',
  rowEnds: createQuotedRows('\t'),
};
