// Parquet files with any fault: rows, rejections or a fault with a code, in bounded time and memory.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConversionFault } from '../../shared/manifest/conversions/conversion.ts';
import { manifestFaults } from '../../shared/manifest/faults.ts';
import { readHybrid } from '../../shared/manifest/parquet/bits.ts';
import { readDelta32, readDelta64 } from '../../shared/manifest/parquet/delta.ts';
import { ThriftCutOff, ThriftReader } from '../../shared/manifest/parquet/thrift.ts';
import { unpackPage } from '../../shared/manifest/parquet/unpack.ts';
import { codePoint } from '../helpers/outside-values.ts';
import { parquetLines, parquetOf } from '../helpers/parquet-files.ts';

const samples = ['snappy', 'zstd-delta', 'lz4-plain', 'brotli-groups'].map((name) =>
  readFileSync(new URL(`../../events/manifests/pyarrow-${name}.parquet`, import.meta.url)),
);

/** Bytes of text that a damaged sample may give: its values may be repeated in all of its 40 rows. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

async function rowsOrFault(bytes: Uint8Array): Promise<void> {
  try {
    expect((await parquetLines(bytes)).length).toBeLessThan(MAX_TEXT_BYTES);
  } catch (error) {
    if (!(error instanceof ConversionFault)) throw error;
    expect(Object.keys(manifestFaults)).toContain(error.code);
  }
}

function valuesOrFault(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ConversionFault || error instanceof ThriftCutOff)) throw error;
  }
}

describe('a Parquet file', () => {
  it('with flipped bits or other bytes gives rows or a fault', async () => {
    const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), to: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...samples),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        async (sample, changes) => {
          const bytes = Buffer.from(sample);
          for (const { at, to } of changes)
            bytes[Math.min(bytes.length - 1, Math.floor(at * bytes.length))] = to;
          await rowsOrFault(bytes);
        },
      ),
      { numRuns: 1_500 },
    );
  });

  it('that lacks bytes, or has some more, gives rows or a fault', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...samples),
        fc.nat(),
        fc.nat(40),
        fc.uint8Array({ maxLength: 8 }),
        async (sample, from, length, more) => {
          const at = from % sample.length;
          await rowsOrFault(Buffer.concat([sample.subarray(0, at), more, sample.subarray(at + length)]));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of random bytes gives a fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (content) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(content.length);
        await rowsOrFault(content);
        await rowsOrFault(Buffer.concat([Buffer.from('PAR1'), content, length, Buffer.from('PAR1')]));
      }),
      { numRuns: 500 },
    );
  });

  it('of any texts gives them back', async () => {
    const text = fc.option(fc.string({ unit: codePoint }).filter((each) => each.isWellFormed()));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 30 }), fc.nat(3), async (texts, repeats) => {
        const data = Array.from({ length: repeats + 1 }, () => texts).flat();
        const bytes = parquetOf([
          { name: 'key', data, type: 'STRING' },
          { name: 'text', data, type: 'STRING', encoding: repeats % 2 === 0 ? 'PLAIN' : 'DELTA_BYTE_ARRAY' },
        ]);
        const lines = (await parquetLines(bytes)).toString().split('\n').slice(0, -1);
        expect(lines.map((line) => JSON.parse(line))).toEqual(
          data.map((each) => (each === null ? {} : { key: each, text: each })),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('random bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });

  it('are values or a fault to every decoder', () => {
    fc.assert(
      fc.property(bytes, fc.nat(40), fc.nat(2_000), fc.nat(8), (content, width, count, codec) => {
        valuesOrFault(() => readHybrid({ bytes: content, at: 0 }, width, new Uint32Array(count)));
        valuesOrFault(() => readDelta32({ bytes: content, at: 0 }, count));
        valuesOrFault(() => readDelta64({ bytes: content, at: 0 }, count));
        valuesOrFault(() => unpackPage(codec, content, count));
        valuesOrFault(() => new ThriftReader(content).struct({}));
      }),
      { numRuns: 2_000 },
    );
  });
});
