// The conversions that Spillway knows. Detection, the API's content types and the texts of errors come from this table.
import type { ManifestStart } from '../format.ts';
import { endingOf } from '../refused-files.ts';
import { batchReport, batchResults } from './batch-report.ts';
import type { AboutConversion, ManifestConversion } from './conversion.ts';
import { gzip } from './gzip.ts';
import { jsonArray } from './json-array.ts';
import { mapRunFile, mapRunResults } from './map-run-results.ts';
import { parquet } from './parquet.ts';
import { s3Inventory } from './s3-inventory.ts';
import { zstd } from './zstd.ts';

/** In the order in which they look at a manifest: the first that knows its content takes it. */
export const CONVERSIONS: readonly ManifestConversion[] = [
  gzip,
  zstd,
  parquet,
  s3Inventory,
  batchReport,
  batchResults,
  mapRunResults,
  mapRunFile,
  jsonArray,
];

/**
 * The conversion that a manifest needs: decided by its content, else by the ending of its name.
 * @returns undefined for a manifest that is read as it stands, or refused
 */
export function conversionFor(start: ManifestStart, about: AboutConversion): ManifestConversion | undefined {
  const ending = endingOf(about.key);
  return (
    CONVERSIONS.find((conversion) => conversion.detect(start, about)) ??
    CONVERSIONS.find(({ endings }) => endings.includes(ending))
  );
}

/** @throws Error for a name that this version does not know */
export function conversionNamed(name: string): ManifestConversion {
  const found = CONVERSIONS.find((conversion) => conversion.name === name);
  if (found === undefined) throw new Error(`no conversion of this version is named "${name}"`);
  return found;
}
