// Opens a posted manifest, so that one that can't be read is refused in the answer. Of a compressed one the start is expanded.
import type { ObjectReader } from '../../shared/aws/object-range.ts';
import { createConversionInput, type OpenedStart, openStart } from '../../shared/blocks/conversion-input.ts';
import type { NamedManifest } from '../../shared/job/job.ts';
import type { ConversionInput } from '../../shared/manifest/conversions/conversion.ts';
import type { ManifestStart } from '../../shared/manifest/format.ts';

/** Posted manifests have no name: ingest opens them under this key. */
const KEY = 'manifest';

interface Posted {
  contentType: string;
  /** As in `openManifest`. */
  wasText: boolean;
  /** Columns that only the job's key template names. */
  extraColumns: readonly string[];
}

export async function openPosted(
  body: Uint8Array,
  { contentType, wasText, extraColumns }: Posted,
): Promise<OpenedStart> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const start: ManifestStart = { bytes, sizeBytes: bytes.length, extraColumns };
  return openStart(inputOfBytes(start), { contentType, wasText });
}

/**
 * Opens a manifest that lies in S3. What names other files is opened by ingest, which alone may read those.
 * @param start its first bytes
 * @returns undefined where it names other files
 */
export async function openPlaced(
  reader: ObjectReader,
  manifest: NamedManifest,
  start: ManifestStart,
  contentType: string | undefined,
): Promise<OpenedStart | undefined> {
  const input = createConversionInput(reader, manifest, start, []);
  const noFiles = { ...input, find: () => Promise.reject(new NamesFilesError()) };
  try {
    return await openStart(noFiles, { contentType });
  } catch (error) {
    if (error instanceof NamesFilesError) return undefined;
    throw error;
  }
}

/** A manifest names other files: an inventory, say. */
export class NamesFilesError extends Error {}

/** What a conversion of a posted manifest reads: its body alone. */
export function inputOfBytes(start: ManifestStart): ConversionInput {
  const { bytes, sizeBytes } = start;
  return {
    manifest: { bucket: '', key: KEY, sizeBytes },
    start,
    async *read(_, from, to) {
      yield bytes.subarray(from, to);
    },
    find: async () => ({
      kind: 'refused',
      message: 'a posted manifest can not name other files: drop it into the inbox',
    }),
  };
}
