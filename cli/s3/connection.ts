// How this machine reaches the internet, as every AWS tool reads it from the environment: proxies and certificates.
//
//   HTTP_PROXY, HTTPS_PROXY   the proxy for http:// and https:// addresses; lower-case names win, as everywhere
//   NO_PROXY                  hosts that are asked directly: names with their subdomains, addresses, networks, or *
//   AWS_CA_BUNDLE             a PEM file of the certificate authorities that are trusted, instead of the usual ones
//   NODE_EXTRA_CA_CERTS       as everywhere in Node: authorities that are trusted as well
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import tls from 'node:tls';
import type { ConnectionOptions } from '../../shared/aws/clients.ts';
import { Failure } from '../failure.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Node's agents take proxies from this version on. */
const PROXY_NODE = [24, 5] as const;
/** As Go's tools do: what listens on this machine is never behind a proxy. */
const LOOPBACK = ['localhost', '127.0.0.0-127.255.255.255', '::1', '[::1]'];
/** A bundle of all public authorities has 0.3 MB. */
const MAX_BUNDLE_BYTES = 16 * 1024 ** 2;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The authorities are trusted in the whole process, also where a proxy has a certificate of its own. Given to an agent they
 * would be part of each connection's name: with a bundle of all public ones, 8,000 small files took 17 s instead of 4 s.
 * @throws Failure where a setting can't be used, with its name
 */
export function connect(env: Environment = process.env): ConnectionOptions {
  const { ca, ...connection } = connectionOf(env);
  if (ca === undefined) return connection;
  // Older versions of Node 24 take them for each connection only.
  if (tls.setDefaultCACertificates === undefined) return { ...connection, ca };
  tls.setDefaultCACertificates(ca);
  return connection;
}

/** @throws Failure where a setting can't be used, with its name */
export function connectionOf(
  env: Environment,
  nodeVersion: string = process.versions.node,
): ConnectionOptions {
  const proxyEnv = proxiesOf(env, nodeVersion);
  const ca = authoritiesOf(env);
  return {
    ...(proxyEnv === undefined ? {} : { proxyEnv }),
    ...(ca === undefined ? {} : { ca }),
  };
}

/**
 * The proxy through which `fetch` has to ask one address. It knows neither ranges nor * in NO_PROXY, and would send https to
 * HTTP_PROXY.
 * @returns in Node's terms; undefined where the address is asked directly
 */
export function fetchProxyOf(
  { proxyEnv = {} }: ConnectionOptions,
  address: string,
): Record<string, string> | undefined {
  const url = new URL(address);
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const proxy = proxyEnv[name];
  if (proxy === undefined || isDirect(url, (proxyEnv['no_proxy'] ?? '').split(','))) return undefined;
  // Without a list, it would read NO_PROXY by itself.
  return { [name]: proxy, no_proxy: 'localhost' };
}

/** As Node's agents decide. */
function isDirect({ hostname, port, protocol }: URL, entries: readonly string[]): boolean {
  const host = hostname.toLowerCase();
  const withPort = `${host}:${port || DEFAULT_PORTS[protocol]}`;
  return entries
    .map((entry) => entry.toLowerCase())
    .some(
      (entry) =>
        ['*', host, `.${host}`, withPort].includes(entry) ||
        (/^\*?\./.test(entry) && host.endsWith(entry.replace('*', ''))) ||
        isInRange(host, entry),
    );
}

function isInRange(host: string, entry: string): boolean {
  const [first = '', last = ''] = entry.split('-');
  if (![host, first, last].every((each) => isIP(each) === 4)) return false;
  return numberOf(first) <= numberOf(host) && numberOf(host) <= numberOf(last);
}

function proxiesOf(env: Environment, nodeVersion: string): ConnectionOptions['proxyEnv'] {
  const http_proxy = proxyOf(env, 'http_proxy');
  const https_proxy = proxyOf(env, 'https_proxy');
  if (http_proxy === undefined && https_proxy === undefined) return undefined;
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < PROXY_NODE[0] || (major === PROXY_NODE[0] && minor < PROXY_NODE[1])) {
    throw new Failure(
      `a proxy is set, and Node ${nodeVersion} can't use one: install Node ${PROXY_NODE.join('.')} or newer`,
    );
  }
  const no_proxy = directHosts(`${env['no_proxy'] ?? ''},${env['NO_PROXY'] ?? ''}`).join(',');
  return {
    ...(http_proxy === undefined ? {} : { http_proxy }),
    ...(https_proxy === undefined ? {} : { https_proxy }),
    no_proxy,
  };
}

/** The proxy's password must not be shown: only the setting's name is. */
function proxyOf(env: Environment, lower: string): string | undefined {
  const name = [lower, lower.toUpperCase()].find((each) => (env[each] ?? '').trim() !== '');
  if (name === undefined) return undefined;
  const text = env[name]?.trim() ?? '';
  // Most tools take HOST:PORT as well. Node knows schemes in lower case only.
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text.replace(/^[^:]+/, (scheme) => scheme.toLowerCase())
    : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // Inside an address, URL passes line feeds over; Node's message about them would show the password.
  if (url === undefined || url.hostname === '' || /[\r\n\t]/.test(address))
    throw new Failure(`${name} is no address of a proxy: http://HOST:PORT`);
  const { protocol, username, password } = url;
  if (!isEncoded(username) || !isEncoded(password))
    throw new Failure(
      `${name} holds a % that is no part of a %XX: in a user name or password, write % as %25`,
    );
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new Failure(
      `${name} names a ${protocol.slice(0, -1)} proxy: only http and https proxies can be used`,
    );
  }
  return address;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * NO_PROXY as Node takes it: there a name stands for itself alone and a network is a range, while other tools
 * include the name's subdomains, and write networks as 10.0.0.0/8.
 */
function directHosts(list: string): string[] {
  const entries = list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .flatMap((entry) => {
      const range = rangeOf(entry);
      if (range !== undefined) return [range];
      // A leading dot includes the name itself.
      const isName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(entry) && !/^[\d.-]+$/.test(entry);
      return [isName ? `.${entry}` : entry];
    });
  return [...LOOPBACK, ...entries];
}

/** @returns the range of an IPv4 network; undefined of anything else */
function rangeOf(entry: string): string | undefined {
  const [, address = '', bits = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d{1,2})$/.exec(entry) ?? [];
  const size = Number(bits);
  if (isIP(address) !== 4 || size > 32) return undefined;
  const number = numberOf(address);
  const count = 2 ** (32 - size);
  const first = number - (number % count);
  return `${dotted(first)}-${dotted(first + count - 1)}`;
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

function authoritiesOf(env: Environment): string[] | undefined {
  const path = env['AWS_CA_BUNDLE'];
  if (path === undefined || path === '') return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure(
      `AWS_CA_BUNDLE names ${path}, which can't be read (${code}): it is a file of certificates in PEM`,
      {
        cause,
      },
    );
  }
  const certificates = text.length > MAX_BUNDLE_BYTES ? [] : (text.match(CERTIFICATE) ?? []);
  if (certificates.length === 0)
    throw new Failure(
      `AWS_CA_BUNDLE names ${path}, which holds no certificates in PEM (-----BEGIN CERTIFICATE-----)`,
    );
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw new Failure(`AWS_CA_BUNDLE names ${path}, whose certificate ${index + 1} can't be read`, {
        cause,
      });
    }
  }
  return [...certificates, ...(tls.getCACertificates?.('extra') ?? [])];
}
