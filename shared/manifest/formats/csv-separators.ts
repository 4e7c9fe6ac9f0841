// The separator of a CSV file's columns. Spillway reads commas; where a file has another separator, the fault names it.
import { visibleText } from '../../text/visible.ts';
import { isKnownColumn } from '../columns.ts';

/** Written by Excel in countries with a decimal comma, its "Text (tab delimited)", database tools, and Hive. */
const OTHERS = new Map([
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
  ['\u0001', 'the control character U+0001, as in Hive'],
]);

/** `sep=` with a character, quotes, a byte order mark, and commas of empty cells. Longer lines need not be matched. */
const MAX_LINE_LENGTH = 32;

const REMEDY =
  "save it as CSV with commas, or as NDJSON (Excel takes the separator from the system's regional settings)";

/**
 * Excel's own first line, which names the separator: `sep=;`. Other programs quote it, or add commas for empty cells.
 * @returns the character that it names; undefined for any other line
 */
export function namedSeparator(line: string): string | undefined {
  if (line.length > MAX_LINE_LENGTH) return undefined;
  return /^\ufeff?"?sep=(.)"?,*$/i.exec(line)?.[1];
}

/** Why a file whose first line names another separator than the comma is not read; undefined for the comma. */
export function faultOfNamed(separator: string): string | undefined {
  if (separator === ',') return undefined;
  const shown = visibleText(`sep=${separator}`);
  const name = OTHERS.get(separator) ?? visibleText(JSON.stringify(separator));
  return `the first line, ${shown}, says that the columns are separated by ${name}, and Spillway reads commas: ${REMEDY}, and remove that line`;
}

/** Why a header is not read: another separator is between its columns. Undefined where commas may separate them. */
export function faultOfSeparator(header: string): string | undefined {
  const separator = [...OTHERS.keys()].find(
    (each) => header.includes(each) && (!header.includes(',') || isSeparatedBy(header, each)),
  );
  if (separator === undefined || isSeparatedBy(header, ',')) return undefined;
  return `its columns are separated by ${OTHERS.get(separator)}, and Spillway reads commas: ${REMEDY}`;
}

/** Whether the line is a header of known columns, in any case, with another separator. */
export function isOtherHeader(line: string): boolean {
  return !isSeparatedBy(line, ',') && [...OTHERS.keys()].some((separator) => isSeparatedBy(line, separator));
}

function isSeparatedBy(header: string, separator: string): boolean {
  const names = header.split(separator).map((name) => name.replaceAll('"', '').trim().toLowerCase());
  return names.length > 1 && names.some(isKnownColumn);
}
