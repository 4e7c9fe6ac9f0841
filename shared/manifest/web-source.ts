// A row's source on the web: which URLs a row may name. No request is made here, and no name is resolved.
import { isHostName } from '../text/host-name.ts';
import type { RowFault } from './faults.ts';

/** Signed URLs with a session's token have about 2,500 characters; servers refuse a request line above 8 KB. */
const MAX_URL_CHARACTERS = 8_000;

export type WebSource = { kind: 'good'; url: URL } | { kind: 'bad'; code: RowFault; message: string };

/** Whether the text is an URL of the web, good or bad, rather than a place in S3. */
export function isWebSource(source: string): boolean {
  return /^https?:/i.test(source);
}

/** Its messages hold nothing of the URL but its host: the rest may be secret. */
export function parseWebSource(source: string): WebSource {
  const bad = (code: RowFault, message: string): WebSource => ({ kind: 'bad', code, message });
  if (!/^https:/i.test(source))
    return bad('UrlNotHttps', 'the URL in source begins with http: only https is read');
  if (source.length > MAX_URL_CHARACTERS)
    return bad(
      'UrlTooLong',
      `the URL in source has ${source.length} characters; it may have ${MAX_URL_CHARACTERS}`,
    );
  if (!/^https:\/\/[^/]/i.test(source))
    return bad('UrlInvalid', 'the URL in source does not begin with https:// and a host');
  // `URL` passes over some of them and reads a backslash as a slash: other programs would see another address.
  if (/[\p{Cc}\p{Z}\\]/u.test(source))
    return bad(
      'UrlInvalid',
      'the URL in source holds white space, a control character or a backslash: percent-encode it (%20)',
    );
  const authority = source.slice('https://'.length).split(/[/?#]/, 1)[0] ?? '';
  if (authority.includes('@'))
    return bad('UrlHasCredentials', 'the URL in source holds a user name or a password: remove it');
  if (source.includes('#'))
    return bad('UrlHasFragment', 'the URL in source holds a #: remove it with what follows, or write %23');
  if (!URL.canParse(source)) return bad('UrlInvalid', 'the URL in source has no valid host or port');
  const url = new URL(source);
  const { hostname, port } = url;
  if (port !== '') return bad('UrlPort', `the URL in source names port ${port}: only port 443 is read`);
  // `URL` writes every number as an address: 127.1, 0x7f.1 and 2130706433 are all 127.0.0.1.
  if (/^[\d.]+$/.test(hostname) || hostname.startsWith('['))
    return bad('UrlHostIsAddress', `the host in source is the address ${hostname}: a host is named`);
  if (hostname.endsWith('.'))
    return bad(
      'UrlHostInvalid',
      `the host in source ends in a dot: write ${hostname.slice(0, 253)} without it`,
    );
  if (!isHostName(hostname))
    return bad(
      'UrlHostInvalid',
      `the host "${hostname.slice(0, 100)}" in source is no name such as files.example.com`,
    );
  return { kind: 'good', url };
}

/** The URL that a good row names. */
export function urlOf(source: string): URL {
  const parsed = parseWebSource(source);
  if (parsed.kind === 'bad') throw new Error(`${parsed.message}: the row has not passed parseItem`);
  return parsed.url;
}
