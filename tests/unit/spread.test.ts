// Where keys land: the hash against published values, the layouts, and what a spread may be called.
import fc from 'fast-check';
import murmurHash3 from 'murmurhash3js-revisited';
import { describe, expect, it } from 'vitest';
import { destinationOf, faultOfKey } from '../../shared/keys/destination-key.ts';
import { destinationKey, parseSpread, type Spread } from '../../shared/keys/spread.ts';
import { codePoint } from '../helpers/outside-values.ts';

const binary: Spread = { kind: 'binary' };
const hex8: Spread = { kind: 'hex', digits: 8 };

describe('the hash', () => {
  // Seed 0, x86, 32 bits: SMHasher's and Wikipedia's values.
  it.each([
    ['', '00000000'],
    ['test', 'ba6bd213'],
    ['Hello, world!', 'c0363e43'],
    ['The quick brown fox jumps over the lazy dog', '2e4ff723'],
  ])('of %j is %s', (key, hash) => {
    expect(destinationKey(key, hex8)).toBe(`${hash}/${key}`);
  });

  it('is of the key as UTF-8, not of its UTF-16 units', () => {
    // Four bytes (f0 9f 98 80) are one block: worked out from the definition of murmur3.
    const key = '😀';
    let block = Math.imul(0x80989ff0, 0xcc9e2d51);
    block = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
    let hash = (block << 13) | (block >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) ^ 4;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash = (hash ^ (hash >>> 16)) >>> 0;
    expect(destinationKey(key, hex8)).toBe(`${hash.toString(16).padStart(8, '0')}/${key}`);
    expect(murmurHash3.x86.hash32(Buffer.from(key))).toBe(hash);
  });
});

describe('binary', () => {
  // The values of Iceberg's own test of its layout (TestLocationProvider, testHashInjection).
  it.each([
    ['a', '0101/0110/1001/10110010/a'],
    ['b', '1110/0111/1110/00000011/b'],
    ['c', '0010/1101/0110/01011111/c'],
    ['d', '1001/0001/0100/01110011/d'],
  ])('puts %s where Iceberg does', (key, destination) => {
    expect(destinationKey(key, binary)).toBe(destination);
  });

  it('puts the prefix before the hash, which is of the key alone', () => {
    expect(destinationKey('a', binary, 'tables/')).toBe('tables/0101/0110/1001/10110010/a');
  });

  it('adds the same number of bytes to every key and keeps the key as it stands', () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint, minLength: 1 }), (key) => {
        const destination = destinationKey(key, binary);
        expect(destination.slice(0, 24)).toMatch(/^([01]{4}\/){3}[01]{8}\/$/);
        expect(destination.slice(24)).toBe(key);
        expect(destinationKey(key, binary)).toBe(destination);
      }),
    );
  });

  it('spreads keys that differ in a counter evenly', () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 16_000; index++) {
      const group = destinationKey(`2026/11/23/part-${String(index).padStart(9, '0')}.json`, binary).slice(
        0,
        4,
      );
      counts.set(group, (counts.get(group) ?? 0) + 1);
    }
    expect(counts.size).toBe(16);
    // 1,000 each; six standard deviations of a binomial.
    for (const count of counts.values()) {
      expect(Math.abs(count - 1_000)).toBeLessThan(6 * Math.sqrt(1_000));
    }
  });
});

describe('hex and off', () => {
  it.each([
    [{ kind: 'hex', digits: 1 }, 'b/test'],
    [{ kind: 'hex', digits: 3 }, 'ba6/test'],
    [{ kind: 'off' }, 'test'],
  ] as [Spread, string][])('%j makes %s', (spread, destination) => {
    expect(destinationKey('test', spread)).toBe(destination);
    expect(destinationKey('test', spread, 'p/')).toBe(`p/${destination}`);
  });
});

describe('a key that S3 refuses in a URL', () => {
  it.each([
    ['soap', /is "soap", .*another name/],
    ['..', /more "\.\." segments than segments before them/],
    ['../a', /write it without them/],
    ['a/../../b', /segments/],
    // S3's own examples.
    ['videos/../../video1.wmv', /segments/],
    ['videos/../../2014/video1.wmv', /segments/],
    ['a/./../../b', /segments/],
    [destinationKey('../../../../../x', binary), /segments/],
    [destinationKey('../../x', { kind: 'hex', digits: 2 }), /segments/],
  ])('is named: %s', (key, says) => {
    expect(faultOfKey(key, 'off')).toEqual({ code: 'KeyRefused', message: expect.stringMatching(says) });
  });

  it.each([
    'videos/2014/../../video1.wmv',
    'Soap',
    'soap/',
    'a/soap',
    'a/..',
    './a',
    '..a/..b',
    'a../b',
    destinationKey('soap', binary),
    destinationKey('../../../../x', binary),
    destinationKey('../x', { kind: 'off' }, '2026/'),
  ])('is not %s', (key) => {
    expect(faultOfKey(key, 'off')).toBeUndefined();
  });
});

describe("the destination of a job's row", () => {
  const options = { destination: { bucket: 'b', prefix: 'p/' }, spread: 'hex:2' };

  it('is the bucket, and the key behind prefix and spread', () => {
    const key = destinationKey('a', { kind: 'hex', digits: 2 }, 'p/');
    expect(destinationOf({ key: 'a' }, options)).toEqual({ bucket: 'b', key });
  });

  it('is not made of a stored spread that is not valid', () => {
    expect(() => destinationOf({ key: 'a' }, { ...options, spread: 'broken' })).toThrow(/not valid/);
  });

  it.each([1_024, 1_025])('has a key of 1,024 bytes of UTF-8 at most: %i', (bytes) => {
    const fault = faultOfKey(`${'ü'.repeat(500)}${'x'.repeat(bytes - 1_000)}`, 'hex:2');
    const says = /has 1025 bytes, S3 takes 1024: prefix and spread \(hex:2\) count/;
    expect(fault).toEqual(
      bytes === 1_024 ? undefined : { code: 'KeyTooLong', message: expect.stringMatching(says) },
    );
  });
});

describe('parseSpread', () => {
  it.each([
    ['binary', { kind: 'binary' }],
    ['off', { kind: 'off' }],
    ['hex:1', { kind: 'hex', digits: 1 }],
    ['hex:8', { kind: 'hex', digits: 8 }],
  ])('reads %s', (text, spread) => {
    expect(parseSpread(text)).toEqual({ kind: 'parsed', spread });
  });

  it.each(['', 'Binary', 'hex', 'hex:', 'hex:0', 'hex:9', 'hex:1.5', 'hex:-1', 'none', 'hex: 3'])(
    'refuses %j with the names there are',
    (text) => {
      const parsed = parseSpread(text);
      expect(parsed.kind).toBe('invalid');
      expect(parsed).toHaveProperty(
        'message',
        expect.stringMatching(/is none of binary, hex:N \(N from 1 to 8\) and off$/),
      );
    },
  );
});
