// The names of the embedded cloud's servers: what a Host header may say, and the bucket that it may name.
//
// The servers listen on loopback alone, but a web page can give 127.0.0.1 a name of its own (DNS rebinding). The browser
// then takes the page and the server for one origin. Only the Host header shows that the name is a foreign one.

export type HostReading =
  | { kind: 'own'; bucket?: string }
  /** `hostname` is the name alone, if the text has one that could be allowed. */
  | { kind: 'foreign'; hostname?: string };

/** Reads a Host header, or the part of an Origin after `http://`. */
export type HostReader = (host: string) => HostReading;

/** IPv6 as browsers and clients write it: shortened, in brackets. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
/** Names resolve to loopback under it, whatever a DNS server says (RFC 6761, section 6.3). */
const LOOPBACK_ZONE = 'localhost';

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;
/** Labels between dots, none of them empty. Old buckets have underscores. */
const NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const IP_ADDRESS = /^(?:[\d.]+|\[.*\])$/;

/** @param allowedHosts further names, as `parseAllowedHost` gives them */
export function createHostReader(allowedHosts: readonly string[] = []): HostReader {
  const names = new Set([...LOOPBACK_NAMES, ...allowedHosts]);
  // The longest goes first: under both s3.example and example, b.s3.example is bucket b.
  const zones = [LOOPBACK_ZONE, ...allowedHosts.filter((name) => !IP_ADDRESS.test(name))]
    .map((name) => `.${name}`)
    .sort((left, right) => right.length - left.length);

  return (host) => {
    const hostname = HOST.exec(host)?.[1]?.toLowerCase();
    if (hostname === undefined) return { kind: 'foreign' };
    if (names.has(hostname)) return { kind: 'own' };
    const zone = zones.find((each) => hostname.endsWith(each));
    const bucket = zone === undefined ? '' : hostname.slice(0, -zone.length);
    if (NAME.test(bucket)) return { kind: 'own', bucket };
    return NAME.test(hostname) || IP_ADDRESS.test(hostname)
      ? { kind: 'foreign', hostname }
      : { kind: 'foreign' };
  };
}

/**
 * A name that a user allows, in the form in which browsers send it. Throws an error that says what is wrong: a wildcard,
 * an address with scheme, port or path, or what is no host name.
 */
export function parseAllowedHost(text: string): string {
  if (text.includes('*')) {
    throw new Error('It takes no wildcard: under it a web page could have a name too. Give each name.');
  }
  const isIpv6 = /^\[[0-9a-f:.]+\]$/i.test(text);
  if (!isIpv6 && /[:/?#@\\\s]/.test(text)) {
    throw new Error('It takes a host name alone, such as devbox or [fd00::1]: no scheme, port or path.');
  }
  const url = `http://${text}`;
  const hostname = URL.canParse(url) ? new URL(url).hostname : '';
  if (!isIpv6 && !NAME.test(hostname)) throw new Error('It takes a host name, such as devbox.example.com.');
  if (hostname === '') throw new Error('It takes an IPv6 address such as [fd00::1].');
  return hostname;
}
