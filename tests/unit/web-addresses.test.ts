// Which addresses and which hosts of the web are read, and what a refusal calls them.
import { describe, expect, it } from 'vitest';
import { refusedAddress } from '../../shared/sources/https/addresses.ts';
import { isHostCovered, isHostName, isHostPattern } from '../../shared/text/host-name.ts';

describe('an address', () => {
  it.each([
    ['127.0.0.1', 'a loopback'],
    ['127.255.255.254', 'a loopback'],
    ['::1', 'a loopback'],
    ['0.0.0.0', 'an unspecified'],
    ['0.1.2.3', 'an unspecified'],
    ['::', 'an unspecified'],
    ['10.0.0.1', 'a private'],
    ['172.16.0.1', 'a private'],
    ['172.31.255.255', 'a private'],
    ['192.168.1.1', 'a private'],
    ['fec0::1', 'a private'],
    ['100.64.0.1', 'a carrier-grade NAT'],
    ['100.127.255.255', 'a carrier-grade NAT'],
    ['169.254.169.254', 'an instance metadata'],
    ['169.254.170.2', 'an instance metadata'],
    ['fd00:ec2::254', 'an instance metadata'],
    ['168.63.129.16', 'an instance metadata'],
    ['169.254.1.1', 'a link-local'],
    ['fe80::1', 'a link-local'],
    ['fe80::1%eth0', 'a link-local'],
    ['fc00::1', 'a unique-local'],
    ['fd12:3456::1', 'a unique-local'],
    ['224.0.0.1', 'a multicast'],
    ['239.255.255.255', 'a multicast'],
    ['ff02::1', 'a multicast'],
    ['240.0.0.1', 'a reserved'],
    ['255.255.255.255', 'a reserved'],
    ['192.0.0.8', 'a reserved'],
    ['4000::1', 'a reserved'],
    ['5f00::1', 'a reserved'],
    ['100::1', 'a reserved'],
    ['2001:20::1', 'a reserved'],
    ['192.0.2.1', 'a documentation'],
    ['198.51.100.1', 'a documentation'],
    ['203.0.113.1', 'a documentation'],
    ['2001:db8::1', 'a documentation'],
    ['3fff::1', 'a documentation'],
    ['198.18.0.1', 'a benchmarking'],
    ['::ffff:127.0.0.1', 'an IPv4-mapped'],
    ['::ffff:8.8.8.8', 'an IPv4-mapped'],
    ['::ffff:7f00:1', 'an IPv4-mapped'],
    ['::ffff:0:127.0.0.1', 'an IPv4-translated'],
    ['::127.0.0.1', 'an IPv4-compatible'],
    ['64:ff9b::7f00:1', 'a NAT64'],
    ['64:ff9b:1::a00:1', 'a NAT64'],
    ['2002:7f00:1::', 'a 6to4'],
    ['192.88.99.1', 'a 6to4'],
    ['2001:0:4136:e378::1', 'a Teredo'],
    ['example.com', 'a malformed'],
    ['2130706433', 'a malformed'],
    ['0x7f.1', 'a malformed'],
    ['', 'a malformed'],
  ])('%s is refused as %s address', (address, what) => {
    expect(refusedAddress(address)).toBe(what);
  });

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '52.216.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '198.17.255.255',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001::1',
    '2001:4860:4860::8888',
    '2620:fe::fe',
  ])('%s of the public internet is read', (address) => {
    expect(refusedAddress(address)).toBeUndefined();
  });
});

describe('a host', () => {
  it.each([
    'files.example.com',
    'xn--bcher-kva.example',
    'a.b',
    'bucket.s3.eu-west-1.amazonaws.com',
    '1.example',
  ])('may be %s', (name) => {
    expect(isHostName(name)).toBe(true);
  });

  it.each([
    'localhost',
    'example.com.',
    '.example.com',
    'a..b',
    'a_b.example.com',
    '-a.example.com',
    'a-.example.com',
    'UPPER.example.com',
    '127.0.0.1',
    'a.1',
    '[::1]',
    `${'a'.repeat(64)}.example.com`,
    `${'a.'.repeat(130)}com`,
    '',
  ])('is not %s', (name) => {
    expect(isHostName(name)).toBe(false);
  });

  it('is covered by its own name, or by a pattern of what it lies below', () => {
    const patterns = ['files.example.com', '*.cdn.example.com'];
    expect(patterns.every(isHostPattern)).toBe(true);
    for (const host of ['files.example.com', 'a.cdn.example.com', 'a.b.cdn.example.com'])
      expect(isHostCovered(host, patterns)).toBe(true);
    for (const host of [
      'example.com',
      'a.files.example.com',
      'cdn.example.com',
      'evilcdn.example.com',
      'files.example.com.evil.net',
    ])
      expect(isHostCovered(host, patterns)).toBe(false);
    expect(isHostCovered('files.example.com', [])).toBe(false);
  });
});
