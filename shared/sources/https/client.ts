// GET requests to hosts of the web, as a worker may make them: to allowed names, at addresses of the public internet, by TLS.
//
//   name        allowed by the deployment; asked again for each redirect
//   addresses   every one that the name has is checked; the connection is made to one of these, with no second look-up
//   TLS         for the name, by Node's authorities; no variable of the environment turns the check off
//   redirects   few, each under the same rules; none carries credentials, since none are sent
//   proxies     none: the agent reads no variable of the environment
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { LookupFunction } from 'node:net';
import { parseWebSource } from '../../manifest/web-source.ts';
import type { Clock } from '../../time/clock.ts';
import { ipFamily, refusedAddress } from './addresses.ts';
import { hostRefusal } from './allowed-host.ts';
import { checkHeaderCount } from './answers.ts';
import { faultOfConnection, permanent, transient } from './faults.ts';

/** Redirects of one request. Browsers follow 20; a download needs one or two. */
const MAX_REDIRECTS = 5;
/** Bytes of all headers of an answer: Node's own default, which the command line of Node could raise. */
const MAX_HEADER_BYTES = 16 * 1024;
/**
 * Milliseconds that a request waits for one of its host's connections: as long as a read may take. Redirects may lead many hosts
 * to one, whose connections are then all in use. That does not mean that the server is silent.
 */
const MAX_CONNECTION_WAIT_MS = 120_000;
/** Milliseconds in which nothing comes: the connection, the headers, or the next bytes. */
const MAX_IDLE_MS = 30_000;
/** Connections to one host from one worker: what a browser opens. A fleet of 50 workers has 300 at once. */
export const MAX_CONNECTIONS_PER_HOST = 6;
/** A connection that is not used is closed: servers close it after 5 s and more, and a request may meet that. */
const KEEP_ALIVE_MS = 4_000;
const USER_AGENT = 'spillway (+https source of an S3 upload)';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The addresses of hosts, in place of DNS, for tests on one machine. No setting of a deployment leads here. */
export interface WebOverride {
  /** By host name; its address is not checked. Other hosts are looked up and checked as ever. */
  hosts: Readonly<Record<string, { address: string; port: number }>>;
  /** PEM: trusted instead of Node's authorities. */
  ca: string;
}

export interface WebClientDependencies {
  clock: Clock;
  /** Every address of a name. Default: the system's resolver. */
  resolve?: ((host: string) => Promise<string[]>) | undefined;
  override?: WebOverride | undefined;
}

export interface WebAnswer {
  /** That answered, after redirects. */
  host: string;
  status: number;
  headers: IncomingHttpHeaders;
  /** The next bytes, undefined at the end. @throws KnownFault */
  read(): Promise<Buffer | undefined>;
  /** Ends the connection where the body has not come to its end. */
  close(): void;
}

export interface WebClient {
  /** @throws KnownFault where no answer came, or none that may be read */
  get(url: URL, headers: Readonly<Record<string, string>>, cutOff?: AbortSignal): Promise<WebAnswer>;
}

/** @param allowedHosts patterns, as isHostCovered takes them */
export function createWebClient(
  { clock, resolve = resolveBySystem, override }: WebClientDependencies,
  allowedHosts: readonly string[],
): WebClient {
  const agent = new Agent({
    keepAlive: true,
    keepAliveMsecs: KEEP_ALIVE_MS,
    timeout: KEEP_ALIVE_MS,
    maxSockets: MAX_CONNECTIONS_PER_HOST,
    rejectUnauthorized: true,
    ...(override === undefined ? {} : { ca: override.ca }),
  });

  /** By Node's own connect: it asks once for a connection, and connects to what it is given. */
  const lookUp: LookupFunction = (host, options, callback) => {
    checkedAddresses(host).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: ipFamily(address) }));
        const [first] = found;
        if (options.all === true) callback(null, found);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: Error) => callback(error as NodeJS.ErrnoException, []),
    );
  };

  async function checkedAddresses(host: string): Promise<string[]> {
    const reached = override?.hosts[host];
    if (reached !== undefined) return [reached.address];
    const addresses = await resolve(host);
    if (addresses.length === 0)
      throw transient('SourceUnavailable', `${host} has no address: its name may be misspelt`);
    for (const address of addresses) {
      const what = refusedAddress(address);
      if (what !== undefined)
        throw permanent(
          'SourceAddressRefused',
          `${host} has ${what} address: only addresses of the public internet are read`,
        );
    }
    return addresses;
  }

  async function getOnce(
    url: URL,
    headers: Readonly<Record<string, string>>,
    cutOff: AbortSignal | undefined,
  ): Promise<WebAnswer> {
    const host = url.hostname;
    // Node does not look up an IP address, so the check would be skipped. No URL that was parsed here has one.
    if (ipFamily(host) !== 0) throw permanent('SourceAddressRefused', `${host} is an address, no name`);
    const sent = request({
      agent,
      host,
      servername: host,
      port: override?.hosts[host]?.port ?? 443,
      path: url.pathname + url.search,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': USER_AGENT, ...headers, host },
      lookup: lookUp,
      maxHeaderSize: MAX_HEADER_BYTES,
      ...(cutOff === undefined ? {} : { signal: cutOff }),
    });
    // All of them, to be counted: by default those above 2,000 would be dropped in silence.
    sent.maxHeadersCount = 0;
    const answered = new Promise<IncomingMessage>((resolveAnswer, reject) => {
      sent.once('response', resolveAnswer);
      sent.on('error', reject);
      sent.once('upgrade', (_answer, socket) => {
        socket.destroy();
        reject(permanent('SourceAnswerInvalid', `${host} answered 101, which was not asked for`));
      });
    });
    // Resolves once the request has a socket, which may still be connecting. Rejects if it ended without one.
    const connected = new Promise<void>((resolveSocket, reject) => {
      sent.once('socket', () => resolveSocket());
      answered.catch(reject);
    });
    sent.end();
    try {
      await within(clock, connected, MAX_CONNECTION_WAIT_MS, `no connection to ${host} was free`);
      const answer = await within(clock, answered, MAX_IDLE_MS, `${host} sent nothing`);
      checkHeaderCount(answer.rawHeaders, host);
      return readable(clock, answer, host);
    } catch (error) {
      sent.destroy();
      throw faultOfConnection(error, host);
    }
  }

  return {
    async get(url, headers, cutOff) {
      let next = url;
      for (let redirects = 0; ; redirects++) {
        const host = next.hostname;
        const refusal = hostRefusal(host, allowedHosts);
        if (refusal !== undefined)
          throw redirects === 0
            ? permanent('SourceNotAllowed', refusal)
            : permanent('SourceRedirectRefused', `it redirects, and its target's ${refusal}`);
        const answer = await getOnce(next, headers, cutOff);
        if (!REDIRECTS.has(answer.status)) return answer;
        answer.close();
        if (redirects === MAX_REDIRECTS)
          throw permanent(
            'SourceTooManyRedirects',
            `${url.hostname} redirects more than ${MAX_REDIRECTS} times`,
          );
        next = redirectOf(answer, next);
      }
    },
  };
}

function redirectOf({ host, headers }: WebAnswer, from: URL): URL {
  // Node gives each byte as a character. Servers that do not percent-encode their paths send UTF-8, as browsers read it.
  const bytes = Buffer.from(headers.location ?? '', 'latin1');
  const location = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  const refused = (why: string) =>
    permanent('SourceRedirectRefused', `${host} redirects to an address that is not read: ${why}`);
  if (!URL.canParse(location, from.href)) throw refused('its Location is no URL');
  const target = new URL(location, from);
  // A fragment is for the client alone, and is no part of a request.
  target.hash = '';
  const parsed = parseWebSource(target.href);
  if (parsed.kind === 'bad') throw refused(parsed.message);
  return parsed.url;
}

/** The body's bytes, as they are asked for: what is not asked for is not read from the connection. */
function readable(clock: Clock, answer: IncomingMessage, host: string): WebAnswer {
  const chunks = answer.iterator({ destroyOnReturn: true }) as AsyncIterableIterator<Buffer>;
  return {
    host,
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    async read() {
      try {
        const { value, done } = await within(clock, chunks.next(), MAX_IDLE_MS, `${host} sent nothing`);
        return done === true ? undefined : value;
      } catch (error) {
        answer.destroy();
        throw faultOfConnection(error, host);
      }
    },
    close() {
      if (!answer.readableEnded) answer.destroy();
    },
  };
}

/** @param what the fault's text if the work has not ended within so many milliseconds */
async function within<Value>(
  clock: Clock,
  work: Promise<Value>,
  mostMs: number,
  what: string,
): Promise<Value> {
  const ended = new AbortController();
  const idle = clock.sleep(mostMs, ended.signal).then(() => {
    throw transient('SourceTimeout', `${what} for ${mostMs / 1000} s`);
  });
  try {
    return await Promise.race([work, idle]);
  } finally {
    ended.abort();
  }
}

async function resolveBySystem(host: string): Promise<string[]> {
  // Loaded with the first host: most deployments read from none, and each cold start would pay for it.
  const { lookup } = await import('node:dns/promises');
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
