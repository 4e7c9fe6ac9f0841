// The formats that Spillway reads. Detection, the API's content types and the texts of errors come from this table.
import type { ManifestFormat } from '../format.ts';
import { batchCsv } from './batch-csv.ts';
import { csv } from './csv.ts';
import { ndjson } from './ndjson.ts';
import { tsv } from './tsv.ts';

const FORMATS_BY_NAME = { csv, tsv, 'batch-csv': batchCsv, ndjson };

export type FormatName = keyof typeof FORMATS_BY_NAME;

type HeadOf<Format> = Format extends ManifestFormat<infer Head> ? Head : never;
export type ManifestHead = HeadOf<(typeof FORMATS_BY_NAME)[FormatName]>;

type AnyFormat = ManifestFormat<ManifestHead>;

/** In the order in which messages name them. */
export const FORMATS: readonly AnyFormat[] = Object.values(FORMATS_BY_NAME);

export function formatNamed(name: FormatName): AnyFormat {
  return FORMATS_BY_NAME[name];
}

/** The format that opened a manifest. */
export function formatOf({ format }: ManifestHead): AnyFormat {
  return FORMATS_BY_NAME[format];
}

/** @param contentType may have parameters, as `text/csv; charset=utf-8` */
export function formatOfContentType(contentType: string): AnyFormat | undefined {
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return FORMATS.find(({ contentTypes }) => contentTypes.includes(mediaType));
}
