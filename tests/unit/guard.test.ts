// Which requests the embedded cloud's servers admit: by Host, Origin and Sec-Fetch-*, as clients and browsers send them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Admission, createGuard, type RequestHead } from '../../local/guard/admission.ts';
import { createHostReader, parseAllowedHost } from '../../local/guard/hosts.ts';

const S3 = 4566;
const API = 4580;

interface Asked {
  method?: string;
  url?: string;
  httpVersion?: string;
  host?: string | undefined;
  origin?: string;
  /** Sec-Fetch-Site, -Mode and -Dest. */
  fetch?: [site: string, mode: string, dest: string];
}

function admit(
  { method = 'GET', url = '/', httpVersion = '1.1', fetch, ...rest }: Asked,
  allowedHosts: string[] = [],
): Admission {
  const guard = createGuard({ allowedHosts });
  guard.addOwnPorts([S3, API]);
  const headers: RequestHead['headers'] = {};
  const host = 'host' in rest ? rest.host : `127.0.0.1:${S3}`;
  if (host !== undefined) headers.host = host;
  if (rest.origin !== undefined) headers.origin = rest.origin;
  if (fetch !== undefined) {
    [headers['sec-fetch-site'], headers['sec-fetch-mode'], headers['sec-fetch-dest']] = fetch;
  }
  return guard.admit({ method, url, httpVersion, headers });
}

/** `ok`, `ok: BUCKET`, or why it is refused. */
function told(admission: Admission): string {
  if (admission.kind === 'refused') return admission.reason;
  return admission.bucket === undefined ? 'ok' : `ok: ${admission.bucket}`;
}

describe('a Host', () => {
  it.each([
    ['localhost:4566', 'ok'],
    ['localhost', 'ok'],
    ['LocalHost:1', 'ok'],
    ['127.0.0.1:4566', 'ok'],
    ['[::1]:4566', 'ok'],
    ['[::1]', 'ok'],
    ['bucket.localhost:4566', 'ok: bucket'],
    ['my.dotted.bucket.localhost:4566', 'ok: my.dotted.bucket'],
    ['old_bucket.localhost', 'ok: old_bucket'],
    ['evil.example', 'foreign-host'],
    ['evil.example:4580', 'foreign-host'],
    ['localhost.evil.example:4566', 'foreign-host'],
    ['127.0.0.1.evil.example', 'foreign-host'],
    ['bucket.127.0.0.1:4566', 'foreign-host'],
    ['evil-localhost', 'foreign-host'],
    ['localhost.', 'foreign-host'],
    ['.localhost', 'foreign-host'],
    ['a..localhost', 'foreign-host'],
    ['127.0.0.2', 'foreign-host'],
    ['0.0.0.0:4566', 'foreign-host'],
    ['[::ffff:127.0.0.1]', 'foreign-host'],
    ['user@localhost', 'foreign-host'],
    ['localhost:4566, evil.example', 'foreign-host'],
    ['localhost:', 'foreign-host'],
    ['localhost/x', 'foreign-host'],
    ['', 'foreign-host'],
    [undefined, 'no-host'],
  ])('%s: %s', (host, expected) => {
    expect(told(admit({ host }))).toBe(expected);
  });

  it('may be missing in HTTP/1.0, which browsers do not speak', () => {
    expect(told(admit({ host: undefined, httpVersion: '1.0' }))).toBe('ok');
  });

  it.each([
    ['devbox', 'ok'],
    ['DevBox:80', 'ok'],
    ['s3.example.test:4566', 'ok'],
    ['my.bucket.devbox', 'ok: my.bucket'],
    ['b.s3.example.test', 'ok: b'],
    ['b.example.test', 'ok: b'],
    ['10.0.0.5:4566', 'ok'],
    ['[fd00::1]:4566', 'ok'],
    ['bucket.10.0.0.5', 'foreign-host'],
    ['devbox.evil.example', 'foreign-host'],
    ['notdevbox', 'foreign-host'],
    ['bucket.localhost', 'ok: bucket'],
  ])('%s, with further names: %s', (host, expected) => {
    const allowed = ['devbox', 'example.test', 's3.example.test', '10.0.0.5', '[fd00::1]'];
    expect(told(admit({ host }, allowed))).toBe(expected);
  });

  it('is never taken for an own one unless it is a name or ends in one', () => {
    const readHost = createHostReader(['devbox']);
    const part = fc.stringMatching(/^[a-z0-9.:[\]@/_-]{0,12}$/);
    const own = fc.constantFrom('localhost', '127.0.0.1', '[::1]', 'devbox', 'evil.example');
    fc.assert(
      fc.property(part, own, part, (before, name, after) => {
        const reading = readHost(`${before}${name}${after}`);
        if (reading.kind === 'foreign') return;
        const { hostname } = new URL(`http://${before}${name}${after}`);
        expect(hostname).toMatch(/^(localhost|127\.0\.0\.1|\[::1\]|devbox|.+\.(localhost|devbox))$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a target', () => {
  it.each([
    ['http://evil.example/', 'target'],
    ['evil.example:443', 'target'],
    ['', 'target'],
    ['*', 'ok'],
    ['//bucket/key', 'ok'],
  ])('%s: %s', (url, expected) => {
    expect(told(admit({ method: 'OPTIONS', url }))).toBe(expected);
  });
});

describe('an Origin', () => {
  const own = `http://localhost:${API}`;
  it.each([
    ['GET', own, 'ok'],
    ['POST', own, 'ok'],
    ['POST', `http://127.0.0.1:${S3}`, 'ok'],
    ['POST', `http://[::1]:${API}`, 'ok'],
    ['POST', `http://my.bucket.localhost:${S3}`, 'ok'],
    ['OPTIONS', own, 'ok'],
    ['GET', 'http://evil.example', 'foreign-origin'],
    ['POST', 'http://evil.example', 'foreign-origin'],
    ['OPTIONS', 'https://evil.example', 'foreign-origin'],
    ['POST', `http://evil.example:${API}`, 'foreign-origin'],
    ['POST', 'http://127.0.0.1:9999', 'foreign-origin'],
    ['POST', 'http://localhost', 'foreign-origin'],
    ['POST', `https://localhost:${API}`, 'foreign-origin'],
    ['POST', `chrome-extension://localhost:${API}`, 'foreign-origin'],
    ['POST', 'null', 'foreign-origin'],
    ['POST', '', 'foreign-origin'],
    ['POST', `http://evil.example, ${own}`, 'foreign-origin'],
    ['POST', `http://evil.example@localhost:${API}`, 'foreign-origin'],
    ['POST', `http://localhost:${API}.evil.example`, 'foreign-origin'],
  ])('%s from %s: %s', (method, origin, expected) => {
    expect(told(admit({ method, origin }))).toBe(expected);
  });

  it('is own where it is the server that is asked, whatever port is forwarded to it', () => {
    expect(told(admit({ method: 'POST', host: 'localhost:8080', origin: 'http://localhost:8080' }))).toBe(
      'ok',
    );
    expect(told(admit({ method: 'POST', host: 'devbox', origin: 'http://devbox' }, ['devbox']))).toBe('ok');
    expect(told(admit({ method: 'POST', host: 'localhost:8080', origin: 'http://localhost:8081' }))).toBe(
      'foreign-origin',
    );
    expect(told(admit({ method: 'POST', host: 'evil.example', origin: 'http://evil.example' }))).toBe(
      'foreign-host',
    );
  });

  it('by HTTPS is own behind a proxy alone, where the browser says that it is the same', () => {
    const asked = { method: 'POST', host: 'devbox', origin: 'https://devbox' };
    expect(told(admit({ ...asked, fetch: ['same-origin', 'cors', 'empty'] }, ['devbox']))).toBe('ok');
    expect(told(admit({ ...asked, fetch: ['cross-site', 'navigate', 'document'] }, ['devbox']))).toBe(
      'foreign-origin',
    );
    expect(told(admit(asked, ['devbox']))).toBe('foreign-origin');
  });
});

describe('a browser', () => {
  const own = `http://127.0.0.1:${API}`;
  it.each<[string, Asked, string]>([
    ['opens an address that was typed', { fetch: ['none', 'navigate', 'document'] }, 'ok'],
    ['polls for its own page', { fetch: ['same-origin', 'cors', 'empty'] }, 'ok'],
    [
      'posts for its own page',
      { method: 'POST', origin: own, fetch: ['same-origin', 'cors', 'empty'] },
      'ok',
    ],
    ['follows a report link', { fetch: ['same-site', 'navigate', 'document'] }, 'ok'],
    ['follows a link from localhost to 127.0.0.1', { fetch: ['cross-site', 'navigate', 'document'] }, 'ok'],
    ['asks another own port', { origin: own, fetch: ['same-site', 'cors', 'empty'] }, 'ok'],
    ['shows an image for a page', { fetch: ['cross-site', 'no-cors', 'image'] }, 'foreign-page'],
    ['runs a script for a page', { fetch: ['cross-site', 'no-cors', 'script'] }, 'foreign-page'],
    ['fetches without CORS', { fetch: ['cross-site', 'no-cors', 'empty'] }, 'foreign-page'],
    ['asks for a head', { method: 'HEAD', fetch: ['cross-site', 'no-cors', 'empty'] }, 'foreign-page'],
    ['shows an image for another port', { fetch: ['same-site', 'no-cors', 'image'] }, 'foreign-page'],
    ['fills a frame', { fetch: ['cross-site', 'navigate', 'iframe'] }, 'foreign-page'],
    ['fills a frame for another port', { fetch: ['same-site', 'navigate', 'iframe'] }, 'foreign-page'],
    ['fills an object', { fetch: ['cross-site', 'navigate', 'object'] }, 'foreign-page'],
    ['posts a form', { method: 'POST', fetch: ['cross-site', 'navigate', 'document'] }, 'foreign-page'],
    [
      'posts a form of a sandbox',
      { method: 'POST', origin: 'null', fetch: ['cross-site', 'navigate', 'document'] },
      'foreign-origin',
    ],
    [
      'posts a form of another port',
      { method: 'POST', origin: 'http://127.0.0.1:9999', fetch: ['same-site', 'navigate', 'document'] },
      'foreign-origin',
    ],
    [
      'opens a WebSocket',
      { origin: 'http://evil.example', fetch: ['cross-site', 'websocket', 'empty'] },
      'foreign-origin',
    ],
    ['opens one without Sec-Fetch-*', { origin: 'http://evil.example' }, 'foreign-origin'],
    ['asks first (preflight)', { method: 'OPTIONS', origin: 'http://evil.example' }, 'foreign-origin'],
    [
      'asks first for another own name',
      { method: 'OPTIONS', origin: `http://localhost:${API}`, fetch: ['cross-site', 'cors', 'empty'] },
      'foreign-page',
    ],
    ['says what is unknown', { fetch: ['same-site, none', 'cors', 'empty'] }, 'foreign-page'],
    ['posts, and says nothing', { method: 'POST', origin: 'http://evil.example' }, 'foreign-origin'],
  ])('that %s', (_what, asked, expected) => {
    expect(told(admit(asked))).toBe(expected);
  });
});

describe('a refusal', () => {
  function messageOf(admission: Admission): string {
    if (admission.kind !== 'refused') throw new Error('it was admitted');
    return admission.message;
  }

  it('names what was wrong and what to do', () => {
    expect(messageOf(admit({ host: 'spillway:4566' }))).toMatch(
      /"spillway:4566".*BUCKET\.localhost.*spillway up --allow-host spillway$/,
    );
    expect(messageOf(admit({ host: 'x' }, ['devbox']))).toContain('devbox');
    expect(messageOf(admit({ host: 'a b' }))).toMatch(/--allow-host NAME$/);
    expect(messageOf(admit({ method: 'POST', origin: 'http://evil.example' }))).toMatch(
      /page of http:\/\/evil\.example.*curl/,
    );
    expect(messageOf(admit({ fetch: ['cross-site', 'no-cors', 'image'] }))).toMatch(/curl/);
    expect(messageOf(admit({ host: undefined }))).toContain('Host: localhost');
  });

  it('shows little of what was sent, in printable ASCII', () => {
    const message = messageOf(admit({ host: `evil\u009b31m\u202e${'x'.repeat(10_000)}` }));
    expect(message).toMatch(/^[ -~]{1,800}$/);
  });
});

describe('a name to allow', () => {
  it.each([
    ['devbox', 'devbox'],
    ['DevBox.Example.COM', 'devbox.example.com'],
    ['my_host', 'my_host'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['10.0.0.5', '10.0.0.5'],
    ['[FD00:0::1]', '[fd00::1]'],
  ])('%s is %s', (text, name) => {
    expect(parseAllowedHost(text)).toBe(name);
    expect(told(admit({ host: `${name}:4566` }, [name]))).toBe('ok');
  });

  it.each([
    ['*', /wildcard/],
    ['*.devbox', /wildcard/],
    ['http://devbox', /no scheme, port or path/],
    ['devbox:4566', /no scheme, port or path/],
    ['devbox/x', /no scheme, port or path/],
    ['me@devbox', /no scheme, port or path/],
    ['fd00::1', /no scheme, port or path/],
    ['[fd00::1]:80', /no scheme, port or path/],
    ['[::fffff]', /IPv6/],
    ['', /host name/],
    ['devbox.', /host name/],
    ['.devbox', /host name/],
    ['a b', /host name/],
    ['-\u0000-', /host name/],
    ['%', /host name/],
  ])('%s is none', (text, expected) => {
    expect(() => parseAllowedHost(text)).toThrow(expected);
  });

  it('is one that its own Host matches, or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.ipV6()), (text) => {
        let name: string;
        try {
          name = parseAllowedHost(text);
        } catch {
          return;
        }
        expect(told(admit({ host: `${name}:4566` }, [name]))).toBe('ok');
      }),
      { numRuns: 2_000 },
    );
  });
});
