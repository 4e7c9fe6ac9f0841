// Which addresses a web source may have: those of the public internet alone. A manifest's author borrows the network of the
// worker, so nothing behind a firewall may be read through it.
//
// IPv6 is an allowlist: only 2000::/3 is given out as global unicast (IANA). Of it, and of IPv4, the table names what is
// special (IANA's registries of special-purpose addresses, RFC 6890), so that a refusal can say what was met.
import type { BlockList } from 'node:net';
import { onFirstUse } from '../../time/on-first-use.ts';

const SPECIAL: readonly (readonly [what: string, ...ranges: string[]])[] = [
  // First, since they lie within other ranges: EC2, ECS, EKS and Azure.
  ['an instance metadata', '169.254.169.254/32', '169.254.170.0/24', 'fd00:ec2::/32', '168.63.129.16/32'],
  ['an unspecified', '0.0.0.0/8', '::/128'],
  ['a loopback', '127.0.0.0/8', '::1/128'],
  ['a private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fec0::/10'],
  ['a carrier-grade NAT', '100.64.0.0/10'],
  ['a link-local', '169.254.0.0/16', 'fe80::/10'],
  ['a unique-local', 'fc00::/7'],
  ['a multicast', '224.0.0.0/4', 'ff00::/8'],
  ['a documentation', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'],
  ['a benchmarking', '198.18.0.0/15', '2001:2::/48'],
  ['an IPv4-mapped', '::ffff:0:0/96'],
  ['an IPv4-translated', '::ffff:0:0:0/96'],
  ['an IPv4-compatible', '::/96'],
  ['a NAT64', '64:ff9b::/96', '64:ff9b:1::/48'],
  ['a 6to4', '2002::/16', '192.88.99.0/24'],
  ['a Teredo', '2001::/32'],
  ['a reserved', '192.0.0.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.175.48.0/24', '240.0.0.0/4'],
  ['a reserved', '2001::/23', '2620:4f:8000::/48'],
];

// A list for each family: BlockList also holds an IPv4 address against the ranges of IPv6, as a mapped one.
const isIpv6 = (range: string) => range.includes(':');
/** Made with the first address: most deployments read from no host, and each start would pay for the lists. */
const rules = onFirstUse(() => ({
  special: SPECIAL.map(([what, ...ranges]) => ({
    what,
    ipv4: listOf(ranges.filter((range) => !isIpv6(range))),
    ipv6: listOf(ranges.filter(isIpv6)),
  })),
  globalUnicast: listOf(['2000::/3']),
}));

/**
 * @returns 4 or 6, and 0 for what is no address. An import of node:net would load its block lists too, in every cold start, and most
 * deployments read from no host.
 */
export function ipFamily(address: string): number {
  return process.getBuiltinModule('node:net').isIP(address);
}

function listOf(ranges: readonly string[]): BlockList {
  const { BlockList } = process.getBuiltinModule('node:net');
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/');
    list.addSubnet(address, Number(bits), isIpv6(range) ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** @returns what kind of address it is, as `a private`; undefined where it is one of the public internet */
export function refusedAddress(address: string): string | undefined {
  const family = ipFamily(address);
  if (family === 0) return 'a malformed';
  // A zone is of one machine alone: fe80::1%eth0.
  if (address.includes('%')) return 'a link-local';
  const { special, globalUnicast } = rules();
  if (family === 4) return special.find(({ ipv4 }) => ipv4.check(address, 'ipv4'))?.what;
  const met = special.find(({ ipv6 }) => ipv6.check(address, 'ipv6'));
  return met?.what ?? (globalUnicast.check(address, 'ipv6') ? undefined : 'a reserved');
}
