// Recognises a row that is plainly good without a check of every column, which costs more than all else that ingest does with a row.
//
// It decides nothing of its own: what it does not recognise, parseItemByColumns judges. A column that is not listed here is not
// recognised, so a new column needs no change. tests/property/plain-item.test.ts holds both to the same answer.
import { faultOfContentType } from '../attributes/checks.ts';
import { MAX_KEY_BYTES } from '../keys/destination.ts';
import { isFitText, isObjectSize } from './column-checks.ts';
import { createPlaceReader } from './s3-source.ts';

/** A UTF-16 unit has at most 3 bytes of UTF-8: a key this short has not too many, and need not be counted. */
const PLAIN_KEY_LENGTH = Math.floor(MAX_KEY_BYTES / 3);
/** Longer texts are counted by the check of the column: fewer than a third of the smallest limit on inline objects. */
const PLAIN_TEXT_LENGTH = 16 * 1024;

const placeIn = createPlaceReader();

function isPlainSource(source: string): boolean {
  const place = placeIn(source, 0);
  const keyLength = source.length - place;
  return place > 0 && keyLength > 0 && keyLength <= PLAIN_KEY_LENGTH && isFitText(source);
}

function isPlain(column: string, value: unknown): boolean {
  if (column === 'size') return isObjectSize(value);
  if (typeof value !== 'string') return false;
  switch (column) {
    case 'key':
      return value !== '' && value.length <= PLAIN_KEY_LENGTH && isFitText(value);
    case 'source':
      return isPlainSource(value);
    case 'text':
      return value.length <= PLAIN_TEXT_LENGTH && isFitText(value);
    case 'content_type':
      return faultOfContentType(value) === undefined;
    default:
      return false;
  }
}

/** Whether parseItemByColumns would take the row as it is. */
export function isPlainItem(record: Readonly<Record<string, unknown>>): boolean {
  for (const column in record) if (!isPlain(column, record[column])) return false;
  const { key, source, text } = record;
  return key !== undefined && (source === undefined) !== (text === undefined);
}
