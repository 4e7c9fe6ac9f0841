// A manifest on disk, converted into text by ingest's own steps. S3 is a stub that gives each part to the caller.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { PART_BYTES, writeText } from '../../functions/ingest/write-text.ts';
import { conversionFor } from '../../shared/manifest/conversions/all.ts';
import type { ConversionInput } from '../../shared/manifest/conversions/conversion.ts';
import { linesLimited } from '../../shared/manifest/conversions/limits.ts';
import type { ManifestHead } from '../../shared/manifest/formats/all.ts';

const START_BYTES = 256 * 1024;

/** @param offset of the part's first byte in the unit's text */
export type TakePart = (part: Uint8Array, offset: number) => Promise<void>;

export interface Convertible {
  sizeBytes: number;
  /** Of every unit's text. */
  head: ManifestHead;
  units: readonly unknown[];
  convert(unit: unknown, take: TakePart): Promise<void>;
}

export function readFileRange(file: string, start: number, end: number): Readable {
  return end > start ? createReadStream(file, { start, end: end - 1 }) : Readable.from([]);
}

/** @param file its name says what it is, as that of any manifest */
export async function openConvertible(file: string): Promise<Convertible> {
  const { size: sizeBytes } = await stat(file);
  const key = basename(file);
  const manifest = { bucket: 'inbox', key, sizeBytes };
  const bytes = Buffer.concat(
    await Array.fromAsync(readFileRange(file, 0, Math.min(sizeBytes, START_BYTES))),
  );
  const input: ConversionInput = {
    manifest,
    start: { bytes, sizeBytes },
    read: (_, start, end) => readFileRange(file, start, end),
    find: async () => ({ kind: 'missing' }),
  };
  const conversion = conversionFor(input.start, manifest);
  const opened = await conversion?.open(input, manifest);
  if (conversion === undefined || opened === undefined) throw new Error(`${file} needs no conversion`);
  if (opened.kind === 'unreadable') throw new Error(`${file}: ${opened.message}`);
  const { head, units } = opened;
  return {
    sizeBytes,
    head,
    units,
    async convert(unit, take) {
      const text = linesLimited(conversion.convert(unit, input));
      await writeText(sinkS3(take), { bucket: 'reports', key: 'unit' }, text, async () => true);
    },
  };
}

/** Takes parts, and answers as S3 does. */
function sinkS3(take: TakePart): S3Client {
  const send = async ({ input }: { input: { Body?: Uint8Array; PartNumber?: number } }) => {
    const { Body, PartNumber = 1 } = input;
    if (Body !== undefined) await take(Body, (PartNumber - 1) * PART_BYTES);
    return { UploadId: 'upload', ETag: '"etag"' };
  };
  return {
    send,
    config: { requestChecksumCalculation: async () => 'WHEN_SUPPORTED' },
  } as unknown as S3Client;
}
