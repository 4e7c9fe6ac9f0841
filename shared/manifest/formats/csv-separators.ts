// The separator of a file's columns. Spillway reads commas and tabs; of another separator the fault gives the name.
import { quoted, visibleText } from '../../text/visible.ts';
import { isKnownColumn } from '../columns.ts';
import type { Dialect } from './dialect.ts';

/** Written by Excel in countries with a decimal comma, database tools, and Hive. No format reads them. */
const OTHERS = new Map([
  [';', 'semicolons'],
  ['|', 'vertical bars'],
  ['\u0001', 'the control character U+0001, as in Hive'],
]);

const NAMES = new Map([[',', 'commas'], ['\t', 'tabs'], ...OTHERS]);

/** `sep=` with a character, quotes, a byte order mark, and separators of empty cells. Longer lines need not be matched. */
const MAX_LINE_LENGTH = 32;

const REMEDY =
  "save it as CSV with commas, as TSV with tabs, or as NDJSON (Excel takes the separator from the system's regional settings)";

/**
 * Excel's own first line, which names the separator: `sep=;`. Other programs quote it, or add separators
 * for empty cells.
 * @returns the character that it names; undefined for any other line
 */
export function namedSeparator(line: string): string | undefined {
  if (line.length > MAX_LINE_LENGTH) return undefined;
  return /^\ufeff?"?sep=(.)"?(?:,*|(?<=sep=\t"?)\t*)$/i.exec(line)?.[1];
}

/** Why a file whose first line names another separator than the dialect's is not read. */
export function faultOfNamed(separator: string, dialect: Dialect): string | undefined {
  if (separator === dialect.separator) return undefined;
  const shown = visibleText(`sep=${separator}`);
  const name = NAMES.get(separator) ?? quoted(separator);
  return `the first line, ${shown}, says that the columns are separated by ${name}, and Spillway reads ${dialect.separators}: ${REMEDY}, and remove that line`;
}

/** Why a header is not read: another separator is between its columns. Undefined where the dialect's may separate them. */
export function faultOfSeparator(
  header: string,
  { separator: own, separators }: Dialect,
): string | undefined {
  const separator = [...NAMES.keys()].find(
    (each) => each !== own && header.includes(each) && (!header.includes(own) || isSeparatedBy(header, each)),
  );
  if (separator === undefined || isSeparatedBy(header, own)) return undefined;
  return `its columns are separated by ${NAMES.get(separator)}, and Spillway reads ${separators}: ${REMEDY}`;
}

/** Whether the line is a header of known columns, in any case, with a separator that no format reads. */
export function isOtherHeader(line: string): boolean {
  return [...OTHERS.keys()].some((separator) => isSeparatedBy(line, separator));
}

/** Whether the separator stands between names of which one is a known column, in any case. */
export function isSeparatedBy(header: string, separator: string): boolean {
  const names = namesIn(header, separator);
  return names.length > 1 && names.some((name) => isKnownColumn(name.toLowerCase()));
}

/** What stands between the separators, without quotes and the spaces around it. */
export function namesIn(header: string, separator: string): string[] {
  return header.split(separator).map((name) => name.replaceAll('"', '').trim());
}
