// What every format of a manifest must hold to. A new format adds its samples here; the compiler asks for them.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { manifestFaults } from '../../shared/manifest/faults.ts';
import type { SliceLimits, SlicePlan } from '../../shared/manifest/format.ts';
import {
  FORMATS,
  type FormatName,
  formatOf,
  formatOfContentType,
  type ManifestHead,
} from '../../shared/manifest/formats/all.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import type { ByteRange } from '../../shared/manifest/slice-place.ts';
import { bodyOf, collect, readerOf, rowsOf } from '../helpers/manifest-bytes.ts';

interface Samples {
  /** Whole files that show their format, with the number of their rows. The first opens with the head of generated files. */
  files: readonly (readonly [content: string | Buffer, rows: number])[];
  /** Files of good rows, bad rows and what breaks them. */
  generated: fc.Arbitrary<Buffer>;
  /** Files that the format takes for its own and can't read: with the fault's code, and the remedy in its message. */
  refused: readonly (readonly [content: string, code: keyof typeof manifestFaults, remedy: RegExp])[];
}

/** Pieces of lines in any order, with characters of several bytes and random bytes between them. */
function anyLines(head: string, pieces: readonly string[]): fc.Arbitrary<Buffer> {
  const piece = fc.constantFrom(...pieces, 'ü', '日', '\u0000').map((text) => Buffer.from(text));
  return fc
    .array(fc.oneof({ weight: 9, arbitrary: piece }, fc.uint8Array({ maxLength: 3 })), { maxLength: 80 })
    .map((parts) => Buffer.concat([Buffer.from(head), ...parts]));
}

const event = (name: string) => readFileSync(new URL(`../../events/manifests/${name}`, import.meta.url));

const SAMPLES: Record<FormatName, Samples> = {
  csv: {
    files: [
      ['key,source,text,size\na,s3://bucket/a,,\nb,,c,1', 2],
      [event('objects.csv'), 5],
      [event('bad-rows.csv'), 8],
      ['\ufeff"key","text"\r\n"a\n","b"\r\n', 1],
      ['\n\nkey,text,spillway_state\n\n', 0],
      ['sep=,\nkey,text\na,b', 1],
    ],
    generated: anyLines('key,source,text,size\n', [
      ...['"', '""', ',', '\n', '\r\n', '\r', 'a', 'key', ' ', '\t', 's3://bucket/k', 'sep=,', '12'],
      // These leave quotes open whether they begin within quotes or not.
      ...['k,s3://bucket/k,,1\n', '",x","\n', '"k,\n""1""",,"t\r\n",\n', 'key,source,text,size\n'],
    ]),
    refused: [
      ['key;text\na;b\n', 'WrongSeparator', /save it as CSV with commas/],
      ['sep=;\nkey;text\n', 'WrongSeparator', /remove that line/],
      ['key,text\ra,b\r', 'HeaderBroken', /save the manifest with LF or CRLF/],
      ['key,texte\n', 'UnknownColumn', /did you mean text\?/],
      [`key,text,spillway_${'x'.repeat(4_000)}\n`, 'HeaderTooLong', /leave out columns/],
      ['key,text\0\n', 'Binary', /save it as UTF-8/],
    ],
  },
  tsv: {
    files: [
      ['key\tsource\ttext\tsize\na\ts3://bucket/a,b\t\t\nb\t\tc\t1', 2],
      ['\ufeff"key"\t"text"\r\n"a\tb\n"\t"b, ""c"""\r\n', 1],
      ['\n\nkey\ttext\tspillway_state\n\t\n', 0],
      ['sep=\t\nkey\ttext\na\tb', 1],
    ],
    generated: anyLines('key\tsource\ttext\tsize\n', [
      ...['"', '""', '\t', '\n', '\r\n', '\r', 'a', 'key', ' ', ',', 's3://bucket/k', 'sep=\t', '12'],
      ...['k\ts3://bucket/k\t\t1\n', '"\tx"\t"\n', '"k\t\n""1"""\t\t"\t\r\n"\t\n'],
    ]),
    refused: [
      ['sep=\t\nkey,text\n', 'WrongSeparator', /Spillway reads tabs: save it as CSV with commas, as TSV/],
      ['key\ttext\ra\tb\r', 'HeaderBroken', /save the manifest with LF or CRLF/],
      ['key\ttexte\n', 'UnknownColumn', /did you mean text\?/],
      ['key\ttext\0\n', 'Binary', /save it as UTF-8/],
    ],
  },
  'batch-csv': {
    files: [
      ['bucket,a\nbucket,b%20c\n', 2],
      ['Examplebucket,objectkey1,PZ9ibn9D5lP6p298B7S9_ceqx1n5EJ0p\n', 1],
      ['\ufeff"bucket","a%2Cb"\r\n"bucket","b"\r\n\r\n', 2],
      ['bucket,a\nbucket,b\nbucket,c\nbucket,d\nother-bucket,%zz\nx\n', 6],
    ],
    generated: anyLines('bucket,a\n', [
      ...['"', '""', ',', '\n', '\r\n', '\r', 'bucket', '%', '%20', '%e6%97', '+', ' ', '\t', 'a/b'],
      ...['bucket,k\n', 'bucket,k%2\n', '"bucket","a\n"\n', 'bucket,k,v\n'],
    ]),
    refused: [
      ['bucket,a\nbucket\n', 'NotBatchRows', /begin the file with a header row, such as key,source/],
      ['bucket,a\nother,b\n', 'NotBatchRows', /of one bucket/],
      ['bucket,%\n', 'NotBatchRows', /URL-encoded/],
      ['hello\n', 'NotBatchRows', /bucket,key or bucket,key,version/],
      ['bucket,a\0\n', 'Binary', /save it as UTF-8/],
    ],
  },
  ndjson: {
    files: [
      ['{"key":"a","text":""}\n', 1],
      [event('objects.ndjson'), 5],
      [event('bad-rows.ndjson'), 7],
      ['\ufeff\n  {"text":"a,key,b","key":"k"}\r\n{}', 2],
      ['{"x":1,"key","text"}\n', 1],
    ],
    generated: anyLines('', [
      ...['{', '}', ':', '"', ',', '\n', '\r\n', '\r', ' ', '\t', 'null', '12', '1.10', '[', '\u001e'],
      ...[
        '{"key":"k","text":"t"}\n',
        '{"key":7,"text":"\\n"}\r\n',
        '{"key":null,"spillway_x":1}\n',
        '\ufeff',
      ],
    ]),
    refused: [
      ['{\n  "key": "a"\n}\n', 'UnsupportedFormat', /write one object a line/],
      ['\x1e{"key":"a"}\n', 'UnsupportedFormat', /leave out the record separators/],
      ['{"key":"a\0"}\n', 'Binary', /save it as UTF-8/],
    ],
  },
};

const startOf = (content: string | Buffer) => {
  const bytes = Buffer.from(content as string);
  return { bytes, sizeBytes: bytes.length };
};
const shown = (content: string | Buffer) => JSON.stringify(content.toString().slice(0, 30));

describe.each(FORMATS.map((format) => [format.name, format] as const))('the format %s', (name, format) => {
  const { files, generated: file, refused } = SAMPLES[name];
  const cuts = fc.array(fc.nat(300));
  const limits = fc.record({
    sliceBytes: fc.integer({ min: 1, max: 80 }),
    rows: fc.integer({ min: 1, max: 5 }),
  });

  const openHead = (content: string | Buffer): ManifestHead => {
    const opened = format.open(startOf(content));
    if (opened.kind === 'unreadable') throw new Error(opened.message);
    return opened.head;
  };
  /** Not opened from the generated files themselves: those with NUL bytes can't be. */
  const head = openHead(files[0]?.[0] ?? '');

  const split = (range: ByteRange, bytes: Buffer, limits: SliceLimits, at: number[]): Promise<SlicePlan[]> =>
    Array.fromAsync(formatOf(head).split(head, range, readerOf(bytes, at), limits));
  const read = (range: ByteRange, bytes: Buffer, at: number[] = []) =>
    collect(formatOf(head).read(head, range, readerOf(bytes, at)));

  it('reads the same rows however the bytes are cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(file, cuts, async (bytes, at) => {
        const whole = await rowsOf(head, bytes);
        expect(await rowsOf(head, bytes, at)).toEqual(whole);
        expect(await rowsOf(head, bytes, [...bytes.keys()])).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it('reads slice by slice, of any size, the rows of the whole, each with the same place', async () => {
    await fc.assert(
      fc.asyncProperty(file, limits, cuts, async (bytes, limits, at) => {
        const slices = await split(bodyOf(head, bytes.length), bytes, limits, at);
        const rows = [];
        let end = head.bodyOffset;
        for (const { range, rows: planned, next } of slices) {
          expect(range.startOffset).toBe(end);
          end = range.endOffset;
          expect(next.offset).toBe(end);
          const ofSlice = await read(range, bytes, at);
          expect(ofSlice).toHaveLength(planned);
          expect(planned).toBeLessThanOrEqual(limits.rows);
          expect(planned <= 1 || end - range.startOffset <= limits.sliceBytes).toBe(true);
          rows.push(...ofSlice);
        }
        expect(slices.length).toBeGreaterThan(0);
        expect(rows).toEqual(await rowsOf(head, bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('cuts the same slices when it goes on behind any of them', async () => {
    await fc.assert(
      fc.asyncProperty(file, limits, cuts, fc.nat(), async (bytes, limits, at, stop) => {
        const slices = await split(bodyOf(head, bytes.length), bytes, limits, []);
        const done = slices.slice(0, 1 + (stop % slices.length));
        const { offset, line } = done.at(-1)?.next ?? { offset: 0, line: 1 };
        const rest = await split(
          { startOffset: offset, startLine: line, endOffset: bytes.length },
          bytes,
          limits,
          at,
        );
        expect([...done, ...rest.filter(({ rows }) => rows > 0)]).toEqual(slices);
      }),
      { numRuns: 300 },
    );
  });

  it('finds a row again from its place alone', async () => {
    await fc.assert(
      fc.asyncProperty(file, cuts, async (bytes, at) => {
        const rows = await rowsOf(head, bytes);
        const places = rows.map(({ place }) => place.offset);
        expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
        for (const [index, { place }] of rows.entries()) {
          const range = { startOffset: place.offset, startLine: place.line, endOffset: bytes.length };
          expect((await read(range, bytes, at))[0]).toEqual(rows[index]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each(files.map(([content, rows]) => [shown(content), rows, content] as const))(
    'reads %s as %i rows, by a head that the job keeps as JSON',
    async (_, rows, content) => {
      const head = openHead(content);
      expect(head.format).toBe(name);
      const kept = JSON.parse(JSON.stringify(head)) as ManifestHead;
      expect(kept).toEqual(head);
      expect(await rowsOf(kept, startOf(content).bytes)).toHaveLength(rows);
    },
  );

  it.each(files.map(([content]) => [shown(content), content] as const))(
    'is the only one that recognises %s',
    (_, content) => {
      expect(FORMATS.filter(({ detect }) => detect(startOf(content)) !== undefined)).toEqual([format]);
      const isKin = (other: (typeof FORMATS)[number]) => other.kin !== undefined && other.kin === format.kin;
      const named = FORMATS.filter((each) => each === format || isKin(each)).flatMap(
        ({ endings }) => endings,
      );
      const isPlain = format.detect(startOf(content))?.kind === 'own';
      for (const key of [...(isPlain ? ['unnamed'] : []), ...named.map((ending) => `m.${ending}`)]) {
        const { bytes, sizeBytes } = startOf(content);
        expect(openManifest(bytes, { key, sizeBytes })).toEqual(format.open({ bytes, sizeBytes }));
      }
      for (const other of FORMATS.filter((each) => each !== format && !isKin(each) && isPlain)) {
        const { bytes, sizeBytes } = startOf(content);
        const opened = openManifest(bytes, { key: `m.${other.name}`, sizeBytes });
        expect(opened).toMatchObject({ kind: 'unreadable', code: 'FormatMismatch' });
      }
    },
  );

  it.each(refused.map((each) => [shown(each[0]), ...each] as const))(
    'refuses %s with a code and a remedy',
    (_, content, code, remedy) => {
      const { bytes, sizeBytes } = startOf(content);
      for (const key of format.endings.map((ending) => `m.${ending}`)) {
        expect(openManifest(bytes, { key, sizeBytes })).toEqual({
          kind: 'unreadable',
          code,
          message: expect.stringMatching(remedy),
        });
      }
    },
  );

  it.each([
    ['without bytes', Buffer.alloc(0), 'Empty'],
    ['of blank lines', Buffer.from('\n \r\n'), 'Empty'],
    ['of random bytes', Buffer.from([0, 0xff, 0xfe, 0x80, 10, 0]), 'Binary'],
  ] as const)('opens no file %s', (_, bytes, code) => {
    const opened = openManifest(bytes, { key: `m.${name}`, sizeBytes: bytes.length });
    expect(opened).toMatchObject({ kind: 'unreadable', code });
  });

  it('never throws when it looks at a file, or opens one', () => {
    fc.assert(
      fc.property(fc.oneof(file, fc.uint8Array({ maxLength: 200 })), fc.nat(500), (content, moreBytes) => {
        const bytes = Buffer.from(content);
        const start = { bytes, sizeBytes: bytes.length + moreBytes };
        format.detect(start);
        const opened = format.open(start);
        if (opened.kind === 'readable') {
          expect(opened.head.bodyOffset).toBeLessThanOrEqual(bytes.length);
        } else {
          expect(Object.keys(manifestFaults)).toContain(opened.code);
          expect(opened.message).not.toBe('');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is found by its content types', () => {
    for (const type of format.contentTypes) {
      expect(formatOfContentType(`${type.toUpperCase()}; charset=utf-8`)).toBe(format);
    }
  });
});

describe('the formats', () => {
  it('have endings and content types of their own, and their names are endings', () => {
    const endings = FORMATS.flatMap((format) => format.endings);
    const types = FORMATS.flatMap((format) => format.contentTypes);
    expect(new Set(endings).size).toBe(endings.length);
    expect(new Set(types).size).toBe(types.length);
    // The API stores a manifest under no name, and opens it as manifest.<name>.
    for (const { name, endings } of FORMATS) expect(endings).toContain(name);
  });

  it('are all offered where the format of a file is unknown', () => {
    const bytes = Buffer.from('hello\n');
    const opened = openManifest(bytes, { key: 'm', sizeBytes: bytes.length });
    for (const { nameIt } of FORMATS) {
      expect(opened).toMatchObject({ code: 'UnknownFormat', message: expect.stringContaining(nameIt) });
    }
  });
});
