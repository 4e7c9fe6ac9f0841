// Which requests the embedded cloud's servers answer: those of this machine's own clients, and none that a web page sends.
//
//   a web page ──▶ the developer's browser ──▶ 127.0.0.1:PORT
//
// The cloud asks for no credentials, so any page that the developer visits could use it through the browser. Three headers
// distinguish such a request from others; pages can't set them:
//
//   Host            the name that the page has for this machine; a foreign one means DNS rebinding
//   Origin          whose page asks; sent with all but plain GET and HEAD requests
//   Sec-Fetch-Site  how that page is related to this server; sent to loopback by each browser since 2023
//
// A request is refused, by the first rule that holds:
//
//   1. its target is no path: a target with a host of its own would make the Host header meaningless
//   2. its Host is missing (but in HTTP/1.0) or foreign
//   3. its Origin is neither this very server nor one of this process's other ports, under one of the own names
//   4. its Sec-Fetch-Site is none of: absent, `none` (typed by the user), `same-origin`, `same-site` with an own Origin;
//      but a GET that opens a page of its own in the browser passes, so that links work. Such an answer can't be framed.
//
// Clients outside browsers (aws, curl, SDKs) send neither Origin nor Sec-Fetch-*: for them the Host alone counts.
import type { IncomingMessage } from 'node:http';
import { createHostReader, type HostReader } from './hosts.ts';

export type RequestHead = Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'headers'>;

export type Admission =
  /** `bucket` is what the Host names before an own name: `BUCKET.localhost`. */
  { kind: 'admitted'; bucket?: string } | { kind: 'refused'; reason: RefusalReason; message: string };

export type RefusalReason = 'target' | 'no-host' | 'foreign-host' | 'foreign-origin' | 'foreign-page';

export interface Guard {
  admit(request: RequestHead): Admission;
  /** Ports on which this process listens: their pages may use all its servers. */
  addOwnPorts(ports: readonly number[]): void;
}

/** Of a header that is shown in a message: names are 253 characters at most. */
const SHOWN_CHARACTERS = 255;
const DEFAULT_PORT = 80;

const NAMES_HOST =
  'Refused: the request line names a host. Send the path alone, and the host in the Host header.';
const NO_HOST = 'Refused: the request has no Host header. Send one, such as "Host: localhost".';

/** @param allowedHosts names beside those of loopback, as `parseAllowedHost` gives them */
export function createGuard({ allowedHosts = [] }: { allowedHosts?: readonly string[] } = {}): Guard {
  const readHost = createHostReader(allowedHosts);
  const ports = new Set<number>();

  return {
    addOwnPorts(more) {
      for (const port of more) ports.add(port);
    },

    admit({ method, url = '', httpVersion, headers }) {
      // OPTIONS has `*`; CONNECT does not come here, as no server listens for it.
      if (!url.startsWith('/') && url !== '*') return refused('target', NAMES_HOST);
      const { host, origin } = headers;
      const reading = host === undefined ? undefined : readHost(host);
      if (reading === undefined && httpVersion !== '1.0') return refused('no-host', NO_HOST);
      if (reading?.kind === 'foreign') {
        return refused('foreign-host', explainHost(host ?? '', reading.hostname, allowedHosts));
      }
      if (origin !== undefined && !isOwnOrigin(origin, headers, readHost, ports)) {
        return refused('foreign-origin', explainPage(`a page of ${shown(origin)}`));
      }
      if (!isFromHere(headers) && !opensPage(method, headers)) {
        return refused('foreign-page', explainPage('a page of another origin'));
      }
      return { kind: 'admitted', ...(reading?.bucket === undefined ? {} : { bucket: reading.bucket }) };
    },
  };
}

function refused(reason: RefusalReason, message: string): Admission {
  return { kind: 'refused', reason, message };
}

/** Own are the server that is asked, by the name and port of the request's Host, and the process's ports. */
function isOwnOrigin(
  origin: string,
  { host, 'sec-fetch-site': site }: RequestHead['headers'],
  readHost: HostReader,
  ports: ReadonlySet<number>,
): boolean {
  const [, scheme, authority = ''] = /^(https?):\/\/(.+)$/.exec(origin) ?? [];
  // Through a forwarded port the browser knows another port, and sends it in both headers. Through a proxy with HTTPS it
  // may name two servers in the same way, by HTTP and by HTTPS: then it must say that it means one.
  if (authority === host?.toLowerCase()) return scheme === 'http' || site === 'same-origin';
  const port = Number(/:(\d+)$/.exec(authority)?.[1] ?? DEFAULT_PORT);
  return scheme === 'http' && ports.has(port) && readHost(authority).kind === 'own';
}

/** True also for clients that are no browsers, and browsers that don't say: for those the Origin has decided. */
function isFromHere({ origin, 'sec-fetch-site': site }: RequestHead['headers']): boolean {
  // Another local port is the same site: unless an own Origin says so, that page is not ours.
  if (site === 'same-site') return origin !== undefined;
  return site === undefined || site === 'none' || site === 'same-origin';
}

/** A link or an address that the browser opens as a page of its own, in no frame. */
function opensPage(method: string | undefined, headers: RequestHead['headers']): boolean {
  return (
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  );
}

function explainHost(host: string, hostname: string | undefined, allowedHosts: readonly string[]): string {
  const names = ['localhost', 'BUCKET.localhost', '127.0.0.1', '[::1]', ...allowedHosts].join(', ');
  return (
    `Refused: "${shown(host)}" is none of this server's names (${names}). ` +
    'A web page could use such a name to read and change what is here. ' +
    `If the name is yours, start with: spillway up --allow-host ${hostname === undefined ? 'NAME' : shown(hostname)}`
  );
}

function explainPage(page: string): string {
  return (
    `Refused: ${page} sent this request, and web pages may not use the embedded cloud. ` +
    'Use a client outside the browser (aws, curl, an SDK), or open the address in the browser itself.'
  );
}

/** Header values come from outside: bounded, and in printable ASCII. */
function shown(value: string): string {
  const printable = value.slice(0, SHOWN_CHARACTERS).replace(/[^ -~]/g, '?');
  return value.length > SHOWN_CHARACTERS ? `${printable}...` : printable;
}
