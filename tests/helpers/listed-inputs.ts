// Manifests that list files, from memory: a bucket that is not read is refused.
import { conversionFor } from '../../shared/manifest/conversions/all.ts';
import { ConversionFault, type ConversionInput } from '../../shared/manifest/conversions/conversion.ts';
import { inputOf as inputOfBytes } from './conversion-input.ts';

export interface ConversionFiles {
  /** Contents by `bucket/key`. */
  files: Record<string, string | Uint8Array>;
  /** `inbox/key` of the manifest among them. */
  manifest: string;
  /** Buckets that may be read, besides the inbox. */
  sourceBuckets?: readonly string[];
}

/** Bytes that a read gives at a time. */
const CHUNK_BYTES = 1_000;

export function inputOf({ files, manifest, sourceBuckets = [] }: ConversionFiles): ConversionInput {
  const contents = Object.fromEntries(
    Object.entries(files).map(([place, content]) => [place, Buffer.from(content as string)]),
  );
  const key = manifest.slice('inbox/'.length);
  const input = inputOfBytes(contents[manifest] ?? Buffer.alloc(0), key, CHUNK_BYTES, contents);
  return {
    ...input,
    find: async (object) =>
      object.bucket === 'inbox' || sourceBuckets.includes(object.bucket)
        ? input.find(object)
        : { kind: 'refused', message: 'add it to sourceBuckets' },
  };
}

export interface Converted {
  units: number;
  text: string;
}

/** @throws ConversionFault, also for what `open` refuses as a value */
export async function convert(files: ConversionFiles): Promise<Converted> {
  const input = inputOf(files);
  const about = { key: input.manifest.key };
  const conversion = conversionFor(input.start, about);
  if (conversion === undefined) throw new Error(`${files.manifest} needs no conversion`);
  const opened = await conversion.open(input, about);
  if (opened.kind === 'unreadable') throw new ConversionFault(opened.code as 'Empty', opened.message);
  const texts = [];
  for (const unit of opened.units)
    texts.push(Buffer.concat(await Array.fromAsync(conversion.convert(unit, input))).toString());
  return { units: opened.units.length, text: texts.join('') };
}

/** The lines of converted text as objects. */
export async function convertedRows(files: ConversionFiles): Promise<Record<string, unknown>[]> {
  const { text } = await convert(files);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
