// What a conversion reads, from memory.
import { conversionFor } from '../../shared/manifest/conversions/all.ts';
import {
  ConversionFault,
  type ConversionInput,
  type ManifestConversion,
} from '../../shared/manifest/conversions/conversion.ts';

export interface ConversionFiles {
  /** Contents by `bucket/key`. */
  files: Record<string, string | Uint8Array>;
  /** `bucket/key` of the manifest among them. */
  manifest: string;
  /** Buckets that may be read, besides the manifest's. */
  sourceBuckets?: readonly string[];
}

/** Bytes that a read gives at a time. */
const CHUNK_BYTES = 1_000;

export function inputOf({ files, manifest, sourceBuckets = [] }: ConversionFiles): ConversionInput {
  const contentOf = (bucket: string, key: string): Buffer | undefined => {
    const content = files[`${bucket}/${key}`];
    return content === undefined ? undefined : Buffer.from(content as string);
  };
  const slash = manifest.indexOf('/');
  const [bucket, key] = [manifest.slice(0, slash), manifest.slice(slash + 1)];
  const bytes = contentOf(bucket, key) ?? Buffer.alloc(0);
  return {
    manifest: { bucket, key, sizeBytes: bytes.length },
    start: { bytes: bytes.subarray(0, 256 * 1024), sizeBytes: bytes.length },
    async *read(file, start, end) {
      const content = contentOf(file.bucket, file.key)?.subarray(start, end) ?? Buffer.alloc(0);
      for (let at = 0; at < content.length; at += CHUNK_BYTES) yield content.subarray(at, at + CHUNK_BYTES);
    },
    async find(object) {
      if (object.bucket !== bucket && !sourceBuckets.includes(object.bucket))
        return { kind: 'refused', message: 'add it to sourceBuckets' };
      const content = contentOf(object.bucket, object.key);
      return content === undefined
        ? { kind: 'missing' }
        : { kind: 'found', file: { ...object, sizeBytes: content.length } };
    },
  };
}

export interface Converted {
  /** The conversion's name. */
  name: string;
  units: number;
  text: string;
}

/** @throws ConversionFault, also for what `open` refuses as a value */
export async function convert(files: ConversionFiles): Promise<Converted> {
  const input = inputOf(files);
  const about = { key: input.manifest.key };
  const conversion: ManifestConversion | undefined = conversionFor(input.start, about);
  if (conversion === undefined) throw new Error(`${files.manifest} needs no conversion`);
  const opened = await conversion.open(input, about);
  if (opened.kind === 'unreadable') throw new ConversionFault(opened.code as 'Empty', opened.message);
  const texts = [];
  for (const unit of opened.units)
    texts.push(Buffer.concat(await Array.fromAsync(conversion.convert(unit, input))).toString());
  return { name: conversion.name, units: opened.units.length, text: texts.join('') };
}

/** The lines of converted text as objects. */
export async function convertedRows(files: ConversionFiles): Promise<Record<string, unknown>[]> {
  const { text } = await convert(files);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
