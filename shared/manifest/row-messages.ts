// What a row that can't be read is told to do: by the program that most likely wrote it.
import { visibleText } from '../text/visible.ts';

/** Characters of a JSON parser's message that are shown. */
const MOST_SHOWN = 200;

/** A CSV row with more or fewer fields than the header has columns. */
export function columnCountMessage(fields: readonly string[], columns: number): string {
  const counts = `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}; the header has ${columns} columns`;
  if (fields.length === 1 && fields[0] === '\u001a')
    return `${counts}: the row is Ctrl-Z, which old programs write at the end of a file: remove it`;
  if (fields.some((field) => field.includes('\r')))
    return `${counts}: the row holds a lone carriage return: save the manifest with LF or CRLF line ends`;
  if (fields.every((field) => field === '')) return `${counts}: all its fields are empty: remove the row`;
  const remedy =
    fields.length > columns
      ? 'put fields that hold commas into quotes'
      : 'write a comma for each empty field';
  return `${counts}: ${remedy}`;
}

/** A line of NDJSON that is no JSON. */
export function invalidJsonMessage(line: string, error: Error): string {
  const message = `no JSON: ${visibleText(error.message.slice(0, MOST_SHOWN))}`;
  const text = line.trim();
  if (text.startsWith('{') && text.endsWith('},'))
    return `${message}: leave out the comma at the end of the line, NDJSON has none between objects`;
  if (text.startsWith('\u001e'))
    return `${message}: leave out the record separator U+001E at the start of the line`;
  if (text === '\u001a')
    return `${message}: the row is Ctrl-Z, which old programs write at the end of a file: remove it`;
  return `${message}: each line is one whole object, as jq -c writes it`;
}
