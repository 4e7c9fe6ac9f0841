// A manifest as it is posted: its bytes, or its rows in JSON, with its options beside them.
import * as z from 'zod/mini';
import type { ManifestFormat } from '../manifest/open.ts';
import { OPTION_NAMES } from './options.ts';

export interface Posted {
  contentType: string | undefined;
  /** Option texts by name. */
  options: Readonly<Record<string, string | undefined>>;
  /** Of JSON the parsed value, of anything else the bytes. */
  body: unknown;
}

export type ReadSubmission =
  | { kind: 'read'; format: ManifestFormat; body: Uint8Array; options: Record<string, string> }
  | { kind: 'unknown type'; message: string }
  | { kind: 'invalid'; message: string };

const FORMATS: Readonly<Record<string, ManifestFormat>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/jsonlines': 'ndjson',
};

const jsonSubmission = z.strictObject({
  rows: z.array(z.record(z.string(), z.unknown())).check(z.minLength(1)),
  options: z.optional(z.record(z.string(), z.union([z.string(), z.number()]))),
});

export function readSubmission({ contentType = '', options, body }: Posted): ReadSubmission {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const format = FORMATS[type];
  if (format !== undefined)
    return { kind: 'read', format, body: body as Uint8Array, options: definedTexts(options) };
  if (type === 'application/json') return readJson(body, definedTexts(options));
  return {
    kind: 'unknown type',
    message: `content type "${type}": send the manifest as ${Object.keys(FORMATS).join(', ')}, or application/json { rows, options }`,
  };
}

/** Options in the body go before those beside it. */
function readJson(value: unknown, options: Record<string, string>): ReadSubmission {
  const parsed = jsonSubmission.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
    return {
      kind: 'invalid',
      message: `${faults.join('; ')}. The body is { "rows": [{ "key": ..., "source": ... }], "options": {...} }; options are ${OPTION_NAMES.join(', ')}`,
    };
  }
  const { rows, options: inBody = {} } = parsed.data;
  const own = Object.entries(inBody).map(([name, text]) => [name, String(text)]);
  return {
    kind: 'read',
    format: 'ndjson',
    body: Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join('')),
    options: { ...options, ...Object.fromEntries(own) },
  };
}

function definedTexts(texts: Posted['options']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
