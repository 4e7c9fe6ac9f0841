// What conversions read, in tests: a manifest held in memory, and the files that it lists, given out in chunks of one size.
import { conversionFor } from '../../shared/manifest/conversions/all.ts';
import {
  ConversionFault,
  type ConversionInput,
  type ManifestConversion,
} from '../../shared/manifest/conversions/conversion.ts';

/** @param listed files that may be read, by `bucket/key` */
export function inputOf(
  bytes: Uint8Array,
  key = 'm',
  chunkBytes = 65_536,
  listed: Record<string, Uint8Array> = {},
): ConversionInput {
  const manifest = { bucket: 'inbox', key, sizeBytes: bytes.length };
  const contentOf = (file: { bucket: string; key: string }) =>
    file === manifest ? bytes : listed[`${file.bucket}/${file.key}`];
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256 * 1024));
  return {
    manifest,
    start: { bytes: start, sizeBytes: bytes.length },
    async *read(file, from, to) {
      const content = contentOf(file)?.subarray(from, to) ?? bytes.subarray(0, 0);
      for (let at = 0; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
    },
    async find(object) {
      const content = contentOf(object);
      return content === undefined
        ? { kind: 'missing' }
        : { kind: 'found', file: { ...object, sizeBytes: content.length } };
    },
  };
}

export type Converted =
  | { kind: 'text'; format: string; text: Buffer }
  | { kind: 'fault'; code: string; message: string };

/** All of a manifest's text, or why it has none. */
export async function convertAll(
  input: ConversionInput,
  conversion?: ManifestConversion,
): Promise<Converted> {
  const about = { key: input.manifest.key };
  const taken = conversion ?? conversionFor(input.start, about);
  if (taken === undefined) throw new Error('no conversion takes it');
  try {
    const opened = await taken.open(input, about);
    if (opened.kind === 'unreadable') return { ...opened, kind: 'fault' };
    const units = opened.units.map(async (unit) => Array.fromAsync(taken.convert(unit, input)));
    const text = Buffer.concat((await Promise.all(units)).flat());
    return { kind: 'text', format: opened.head.format, text };
  } catch (error) {
    if (error instanceof ConversionFault) return { kind: 'fault', code: error.code, message: error.message };
    throw error;
  }
}
