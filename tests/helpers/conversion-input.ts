// What conversions read, in tests: a manifest held in memory, given out in chunks of one size.
import { conversionFor } from '../../shared/manifest/conversions/all.ts';
import {
  ConversionFault,
  type ConversionInput,
  type ManifestConversion,
} from '../../shared/manifest/conversions/conversion.ts';

export function inputOf(bytes: Uint8Array, key = 'm', chunkBytes = 65_536): ConversionInput {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256 * 1024));
  return {
    manifest: { bucket: 'inbox', key, sizeBytes: bytes.length },
    start: { bytes: start, sizeBytes: bytes.length },
    async *read(_, from, to) {
      for (let at = from; at < to; at += chunkBytes) yield bytes.subarray(at, Math.min(to, at + chunkBytes));
    },
    find: async () => ({ kind: 'missing' }),
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
