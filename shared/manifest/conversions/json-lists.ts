// Small JSON objects that list files: S3 Inventory's manifest.json, reports of S3 Batch Operations and Step Functions.
import type * as z from 'zod/mini';
import { describeIssues } from '../../text/bounded.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { ManifestStart } from '../format.ts';
import { ConversionFault, type ConversionInput } from './conversion.ts';

/** 100,000 files of an inventory have 25 MB. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** Members that are looked at: the files listed above have seven. */
const MAX_NAMES = 32;

/** As many bytes as ingest reads of a manifest to recognise it: of a posted one all are at hand. */
const LOOKED_AT_BYTES = 256 * 1024;
/**
 * A string with the colon behind it, a bracket, or a brace. A string that does not close runs to the end: were it no match, the
 * search would go on within it, and take time by the square of its length.
 */
const TOKENS = /"([^"\\]*(?:\\.?[^"\\]*)*)(?:"(\s*:)?|$)|[[{]|[\]}]/gs;

/**
 * Names of the members of the object that the bytes begin with, as far as the bytes go; none where they begin otherwise. The
 * text need not be whole, so it is not parsed.
 */
function memberNames({ bytes }: ManifestStart): ReadonlySet<string> {
  const text = bytes.toString('latin1', 0, LOOKED_AT_BYTES);
  const names = new Set<string>();
  if (!/^(?:\xef\xbb\xbf)?\s*\{/.test(text)) return names;
  let depth = 0;
  for (const [token, name, colon] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && name !== undefined && colon !== undefined) names.add(name);
    // Behind the object there may be another, as in NDJSON: its names are not those of the first.
    if (depth === 0 || names.size === MAX_NAMES) break;
  }
  return names;
}

/** Members by which each list is known. */
const LISTS = {
  inventory: ['sourceBucket', 'destinationBucket', 'fileFormat', 'fileSchema'],
  batchReport: ['Format', 'Results'],
  mapRun: ['DestinationBucket', 'MapRunArn', 'ResultFiles'],
} as const;

export function isList(start: ManifestStart, kind: keyof typeof LISTS): boolean {
  const isKnown = hasMembers(start, LISTS[kind]);
  return isKnown && (kind !== 'batchReport' || /"Report_CSV_\d/.test(start.bytes.toString('latin1')));
}

export function isAnyList(start: ManifestStart): boolean {
  return (Object.keys(LISTS) as (keyof typeof LISTS)[]).some((kind) => isList(start, kind));
}

export function hasMembers(start: ManifestStart, members: readonly string[]): boolean {
  const names = memberNames(start);
  return members.every((member) => names.has(member));
}

/**
 * Reads the manifest as a whole.
 * @param what it is, as messages name it
 * @throws ConversionFault that says what is wrong with it
 */
export async function readList<Schema extends z.ZodMiniType>(
  { manifest, read }: Pick<ConversionInput, 'manifest' | 'read'>,
  schema: Schema,
  what: string,
): Promise<z.output<Schema>> {
  const place = `s3://${manifest.bucket}/${manifest.key}`;
  if (manifest.sizeBytes > MAX_LIST_BYTES)
    throw new ConversionFault(
      'ListTooLarge',
      `${place} has ${manifest.sizeBytes} bytes, above ${MAX_LIST_BYTES}: ${SPLIT}`,
    );
  const chunks = await Array.fromAsync(read(manifest, 0, manifest.sizeBytes));
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const faults = describeIssues(parsed.error.issues, 'it');
  throw new ConversionFault('ListUnreadable', `${place} is no ${what} that Spillway reads: ${faults}`);
}

export const SPLIT = 'split the list into several manifests';
