// A row of the ledger that this version can't read: another version or another program wrote it.
import { boundedText } from '../text/bounded.ts';
import { parseJson } from '../text/parse-json.ts';

/** The message names the row, what is wrong with it, and the remedy. */
export class UnreadableRowError extends Error {
  constructor(row: string, what: string) {
    const remedy = 'deploy the version that wrote it, or restore the row from a backup of the table';
    super(`${boundedText(`the ledger's row of ${row} ${what}`)}: ${remedy}`);
    this.name = 'UnreadableRowError';
  }
}

/** @throws UnreadableRowError where the attribute's text is not a JSON object */
export function parseStoredJson<Value extends object>(row: string, name: string, text: string): Value {
  const value = parseJson(text);
  if (value === undefined) throw new UnreadableRowError(row, `has a ${name} that is not JSON`);
  if (typeof value !== 'object' || value === null)
    throw new UnreadableRowError(row, `has a ${name} that is not a JSON object`);
  return value as Value;
}
