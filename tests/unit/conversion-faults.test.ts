// Why a manifest can't be converted: each fault with its place and its remedy.
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { conversionFor } from '../../shared/manifest/conversions/all.ts';
import { jsonArray } from '../../shared/manifest/conversions/json-array.ts';
import { linesLimited, MAX_CONVERTED_BYTES } from '../../shared/manifest/conversions/limits.ts';
import { convertAll, inputOf } from '../helpers/conversion-input.ts';

const CSV = 'key,text\na,1\n';
const GZIP = gzipSync(CSV);
const ZSTD = zstdCompressSync(CSV);

function changed(bytes: Buffer, at: number, to = (bytes.at(at) ?? 0) ^ 1): Buffer {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? bytes.length + at : at] = to;
  return copy;
}

function tar(): Buffer {
  const header = Buffer.alloc(1024);
  header.write('list.csv');
  header.write('ustar', 257);
  return header;
}

/** A frame's header alone: it asks for a window of 2 to the `log`. */
const frameOfWindow = (log: number) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3, 1, 0, 0]);
const frameOfDictionary = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 0, 7, 1, 0, 0]);

describe('a compressed manifest', () => {
  it.each([
    ['that is empty', 'm.csv.gz', Buffer.alloc(0), 'Empty', /empty/],
    [
      'that is plain text',
      'm.csv.gz',
      Buffer.from(CSV),
      'FormatMismatch',
      /leave the ending \.gz out of its name/,
    ],
    [
      'cut off',
      'm.csv.gz',
      GZIP.subarray(0, -3),
      'CompressionBroken',
      new RegExp(`ends at byte ${GZIP.length - 3}, within a member; copy`),
    ],
    [
      'with a wrong checksum',
      'm.csv.gz',
      changed(GZIP, -5),
      'CompressionBroken',
      /damaged .*incorrect data check/,
    ],
    [
      'with a wrong length',
      'm.csv.gz',
      changed(GZIP, -1),
      'CompressionBroken',
      /damaged .*incorrect length check/,
    ],
    [
      'followed by text',
      'm.csv.gz',
      Buffer.concat([GZIP, Buffer.from('key')]),
      'CompressionBroken',
      /followed by other bytes, within 65536 bytes after byte \d+: remove/,
    ],
    [
      'followed by zeros and a member',
      'm.csv.gz',
      Buffer.concat([GZIP, Buffer.alloc(9), GZIP]),
      'CompressionBroken',
      new RegExp(`at byte ${GZIP.length + 9}: remove what follows byte ${GZIP.length}`),
    ],
    [
      'compressed twice',
      'm.csv.gz',
      gzipSync(GZIP),
      'Compressed',
      /unpacked from gzip: the manifest is gzip: unpack/,
    ],
    ['compressed both ways', 'm.gz', gzipSync(ZSTD), 'Compressed', /the manifest is zstandard: unpack/],
    ['that is an archive', 'm.tar.gz', gzipSync(tar()), 'Archive', /a tar archive: take the manifest out/],
    ['that is an archive', 'm.tgz', gzipSync(tar()), 'Archive', /a tar archive/],
    ['of Parquet', 'm.parquet.gz', gzipSync('PAR1....'), 'UnsupportedFormat', /Parquet/],
    ['of an unknown format', 'm.gz', gzipSync('hello\n'), 'UnknownFormat', /name it \.csv/],
    ['of an empty array', 'm.json.gz', gzipSync('[ ]'), 'Empty', /holds no element/],
    ['of nothing', 'm.csv.gz', gzipSync(''), 'Empty', /unpacked from gzip/],
    [
      'that is a bomb',
      'm.csv.gz',
      gzipSync(`key,text\n${'k,v\n'.repeat(5_000_000)}`),
      'ExpandedTooLarge',
      /more than 500 for each/,
    ],
    [
      'in zstandard, cut off',
      'm.zst',
      ZSTD.subarray(0, -1),
      'CompressionBroken',
      /ends at byte \d+, within a frame/,
    ],
    [
      'in zstandard, followed by text',
      'm.zst',
      Buffer.concat([ZSTD, Buffer.from('keys')]),
      'CompressionBroken',
      new RegExp(`other bytes at byte ${ZSTD.length}, where a frame should begin`),
    ],
    [
      'with a reserved block',
      'm.zst',
      Buffer.from([...frameOfWindow(20).subarray(0, 6), 7, 0, 0]),
      'CompressionBroken',
      /damaged at byte 6/,
    ],
    [
      'with a wrong checksum of zstandard',
      'm.zst',
      changed(zstdCompressSync(CSV, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }), -1),
      'CompressionBroken',
      /damaged within .*checksum/,
    ],
    [
      'with a dictionary',
      'm.zst',
      frameOfDictionary,
      'CompressionUnsupported',
      /byte 5 needs the dictionary 7: compress/,
    ],
    [
      'with a window of 256 MiB',
      'm.zst',
      frameOfWindow(28),
      'CompressionUnsupported',
      /268435456 bytes; .* --long=27/,
    ],
  ])('%s is refused by name', async (_, key, bytes, code, message) => {
    const input = inputOf(bytes, key);
    const converted = await convertAll(input, conversionFor(input.start, { key }));
    expect(converted).toMatchObject({ kind: 'fault', code, message: expect.stringMatching(message) });
  });

  it('with a window of 128 MiB is read', async () => {
    const bytes = zstdCompressSync(CSV, { params: { [constants.ZSTD_c_windowLog]: 27 } });
    expect(await convertAll(inputOf(bytes, 'm.csv.zst'))).toMatchObject({ kind: 'text' });
  });

  it('may expand a great deal, as long as it is small', async () => {
    expect(
      await convertAll(inputOf(gzipSync(`key,text\n${'k,v\n'.repeat(1_000_000)}`), 'm.csv.gz')),
    ).toMatchObject({ kind: 'text' });
  });
});

describe('a JSON array', () => {
  it.each([
    ['that is empty', '[ \n ]', 'Empty', /holds no element/],
    [
      'with a comma too many',
      '[{"a":1},\n,{"b":2}]',
      'JsonArrayBroken',
      /line 2, byte 10: a comma stands where an element/,
    ],
    [
      'with a comma at its end',
      '[{"a":1},]',
      'JsonArrayBroken',
      /byte 9: a comma stands before the closing bracket/,
    ],
    [
      'without a comma',
      '[{"a":1}\n{"b":2}]',
      'JsonArrayBroken',
      /line 2, byte 9: a comma is missing behind element 1/,
    ],
    [
      'without its end',
      '[{"a":1},',
      'JsonArrayBroken',
      /ends at line 1, byte 9, without the closing bracket/,
    ],
    [
      'cut off within an element',
      '[{"a":1},\n{"b":',
      'JsonArrayBroken',
      /within element 2, which begins at line 2, byte 10/,
    ],
    ['cut off within a string', '["a', 'JsonArrayBroken', /within element 1/],
    ['followed by more', '[{"a":1}]\n[]', 'JsonArrayBroken', /line 2, byte 10: other text follows/],
    ['followed by a NUL', '[{"a":1}]\0', 'JsonArrayBroken', /other text follows/],
  ])('%s is refused with the place', async (_, text, code, message) => {
    const converted = await convertAll(inputOf(Buffer.from(text)), jsonArray);
    expect(converted).toMatchObject({ kind: 'fault', code, message: expect.stringMatching(message) });
  });

  it('above the limit is refused before it is read', async () => {
    const input = inputOf(Buffer.from('[{"a":1}]'));
    const opened = await jsonArray.open(
      { ...input, manifest: { ...input.manifest, sizeBytes: MAX_CONVERTED_BYTES + 1 } },
      { key: 'm' },
    );
    expect(opened).toMatchObject({ kind: 'unreadable', code: 'ExpandedTooLarge' });
  });
});

it('counts lines as they pass', async () => {
  async function* text() {
    yield Buffer.from('a\nb');
    yield Buffer.from('\nc\n');
  }
  expect(Buffer.concat(await Array.fromAsync(linesLimited(text(), 3))).toString()).toBe('a\nb\nc\n');
  await expect(Array.fromAsync(linesLimited(text(), 2))).rejects.toMatchObject({
    code: 'ExpandedTooLarge',
    message: 'the manifest converts to more than 2 lines: split it into several manifests',
  });
});
