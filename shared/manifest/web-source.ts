// A row's source on the web: which URLs a row may name. No request is made here, and no name is resolved.
import { isHostName } from '../text/host-name.ts';
import { redactedAddress, redactedUrl } from '../text/redacted.ts';
import { unicodeSet } from '../text/unicode-set.ts';
import { quoted } from '../text/visible.ts';
import type { RowFault } from './faults.ts';

/** Signed URLs with a session's token have about 2,500 characters; servers refuse a request line above 8 KB. */
const MAX_URL_CHARACTERS = 8_000;

export type WebSource = { kind: 'good'; url: URL } | { kind: 'bad'; code: RowFault; message: string };

/** Whether the text is an URL of the web, good or bad, rather than a place in S3. */
export function isWebSource(source: string): boolean {
  return /^https?:/i.test(source);
}

/** `URL` passes over some of them and reads a backslash as a slash: other programs would see another address. */
const unreadable = unicodeSet(String.raw`[\p{Cc}\p{Z}\\]`, 'u');

/** Characters of an URL that a message shows. */
const MAX_SHOWN_CHARACTERS = 200;

/** Its messages show the URL without its user name, its password and its query: they may be secret. */
export function parseWebSource(source: string): WebSource {
  const bad = (code: RowFault, why: string): WebSource => {
    return { kind: 'bad', code, message: `source ${shown(source)} ${why}` };
  };
  if (!/^https:/i.test(source)) return bad('UrlNotHttps', 'begins with http: only https is read');
  if (source.length > MAX_URL_CHARACTERS)
    return bad('UrlTooLong', `has ${source.length} characters; an URL may have ${MAX_URL_CHARACTERS}`);
  if (!/^https:\/\/[^/]/i.test(source)) return bad('UrlInvalid', 'does not begin with https:// and a host');
  if (unreadable().test(source))
    return bad(
      'UrlInvalid',
      'holds white space, a control character or a backslash: percent-encode it (%20)',
    );
  const authority = source.slice('https://'.length).split(/[/?#]/, 1)[0] ?? '';
  if (authority.includes('@')) return bad('UrlHasCredentials', 'holds a user name or a password: remove it');
  if (source.includes('#'))
    return bad('UrlHasFragment', 'holds a #: remove it with what follows, or write %23');
  if (!URL.canParse(source)) return bad('UrlInvalid', 'has no valid host or port');
  const url = new URL(source);
  const { hostname, port } = url;
  if (port !== '') return bad('UrlPort', `names port ${port}: only port 443 is read`);
  // `URL` writes every number as an address: 127.1, 0x7f.1 and 2130706433 are all 127.0.0.1.
  if (/^[\d.]+$/.test(hostname) || hostname.startsWith('['))
    return bad('UrlHostIsAddress', `has the address ${hostname} as its host: name the host`);
  if (hostname.endsWith('.')) return bad('UrlHostInvalid', 'has a host that ends in a dot: remove the dot');
  if (!isHostName(hostname))
    return bad('UrlHostInvalid', `has a host that is no name such as files.example.com`);
  return { kind: 'good', url };
}

function shown(source: string): string {
  // The user name first: a password may hold a question mark.
  return quoted(redactedUrl(redactedAddress(source)).slice(0, MAX_SHOWN_CHARACTERS));
}

/** The URL that a good row names. */
export function urlOf(source: string): URL {
  const parsed = parseWebSource(source);
  if (parsed.kind === 'bad') throw new Error(`${parsed.message}: the row has not passed parseItem`);
  return parsed.url;
}
