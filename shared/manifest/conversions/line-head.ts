// The head of text that a conversion writes as lines of NDJSON, and what a list of objects lacks for it.
import { boundedNames } from '../../text/bounded.ts';
import type { ManifestStart } from '../format.ts';
import type { ManifestHead } from '../formats/all.ts';
import { ConversionFault } from './conversion.ts';

type ExtraColumns = Pick<ManifestStart, 'extraColumns'>;

/** Rows begin at the text's first byte. */
export function lineHead({ extraColumns = [] }: ExtraColumns): ManifestHead {
  const extra = extraColumns.length === 0 ? {} : { extraColumns };
  return { format: 'ndjson', bodyOffset: 0, bodyLine: 1, ...extra };
}

/**
 * As `lineHead`, of rows that have no columns of their own.
 * @throws ConversionFault where the key template names such columns
 */
export function objectHead(start: ExtraColumns, what: string): ManifestHead {
  const lacking = boundedNames(start.extraColumns ?? []);
  if (lacking === '') return lineHead(start);
  throw new ConversionFault(
    'TemplateColumnMissing',
    `the option key-template names columns that ${what} does not have: ${lacking}; name {key} and its parts alone, or drop the objects as a list with such columns`,
  );
}
