// No address outside of the public internet is read, however it is written.

import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseWebSource } from '../../shared/manifest/web-source.ts';
import { refusedAddress } from '../../shared/sources/https/addresses.ts';
import { codePoint } from '../helpers/outside-values.ts';

const octets = fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 255 })));
const groups = (first: fc.Arbitrary<number>) =>
  fc.tuple(first, ...Array.from({ length: 7 }, () => fc.integer({ min: 0, max: 0xffff })));
const text = (parts: readonly number[]) => parts.map((part) => part.toString(16)).join(':');
const bits = (address: readonly number[]) => address.reduce((sum, octet) => sum * 256 + octet, 0);

it('refuses every IPv6 address outside of 2000::/3', () => {
  const outside = fc.integer({ min: 0, max: 0xffff }).filter((first) => first >> 13 !== 1);
  fc.assert(
    fc.property(groups(outside), (parts) => {
      expect(refusedAddress(text(parts))).toBeDefined();
    }),
  );
});

it.each([
  ['mapped', (ip: string) => `::ffff:${ip}`],
  ['compatible', (ip: string) => `::${ip}`],
  ['translated by NAT64', (ip: string) => `64:ff9b::${ip}`],
  ['translated by a local NAT64', (ip: string) => `64:ff9b:1::${ip}`],
])('refuses every IPv4 address that is %s', (_how, written) => {
  fc.assert(
    fc.property(octets, (parts) => {
      expect(refusedAddress(written(parts.join('.')))).toBeDefined();
    }),
  );
});

it('refuses every address of the private ranges of IPv4, and takes no other for one', () => {
  const isSpecial = ([a, b, c]: readonly number[]): boolean =>
    [0, 10, 127].includes(a!) ||
    a! >= 224 ||
    (a === 100 && b! >= 64 && b! < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b! >= 16 && b! < 32) ||
    (a === 192 && b === 168) ||
    (a === 192 && b === 0 && (c === 0 || c === 2)) ||
    (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
    (a === 203 && b === 0 && c === 113);
  const others = ['192.31.196.', '192.52.193.', '192.175.48.', '192.88.99.', '168.63.129.16'];
  fc.assert(
    fc.property(octets, (parts) => {
      const address = parts.join('.');
      const isOther = others.some((start) => address.startsWith(start));
      expect(refusedAddress(address) !== undefined).toBe(isSpecial(parts) || isOther);
    }),
    { numRuns: 2_000 },
  );
});

it('refuses every notation of an address as the host of an URL', () => {
  const notations: ((parts: readonly number[]) => string)[] = [
    (parts) => parts.join('.'),
    (parts) => String(bits(parts)),
    (parts) => `0x${bits(parts).toString(16)}`,
    (parts) => parts.map((part) => `0x${part.toString(16)}`).join('.'),
    (parts) => parts.map((part) => `0${part.toString(8)}`).join('.'),
    (parts) => `${parts[0]}.${bits(parts.slice(1))}`,
    (parts) => `${parts.join('.')}.`,
    (parts) => parts.join('。'),
    (parts) => `[::ffff:${parts.join('.')}]`,
  ];
  fc.assert(
    fc.property(octets, fc.constantFrom(...notations), (parts, write) => {
      const parsed = parseWebSource(`https://${write(parts)}/a`);
      expect(parsed.kind).toBe('bad');
    }),
  );
});

it('takes no URL whose host is no name, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: codePoint, maxLength: 60 }), (rest) => {
      const parsed = parseWebSource(`https://${rest}`);
      if (parsed.kind === 'bad') return;
      const { hostname, port, username, password, hash, protocol } = parsed.url;
      expect({ protocol, port, username, password, hash }).toEqual({
        protocol: 'https:',
        port: '',
        username: '',
        password: '',
        hash: '',
      });
      expect(isIP(hostname)).toBe(0);
      expect(hostname).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    }),
    { numRuns: 1_000 },
  );
});
