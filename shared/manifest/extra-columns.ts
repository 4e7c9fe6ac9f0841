// Columns that are no column of a manifest, and are read because the job's key template names them.
import { parseKeyTemplate } from '../keys/key-template.ts';
import { isKnownColumn } from './columns.ts';

/** @param keyTemplate as it was validated; a template that can't be parsed names none */
export function extraColumnsOf(keyTemplate: string): readonly string[] {
  const parsed = parseKeyTemplate(keyTemplate);
  return parsed.kind === 'parsed' ? parsed.template.columns.filter((name) => !isKnownColumn(name)) : [];
}
