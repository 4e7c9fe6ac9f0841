// Names of web hosts, and the patterns by which a deployment allows them.

/** Without the closing dot (RFC 1035). */
const MAX_HOST_CHARACTERS = 253;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** Two labels at least: a single one is a name of the local network. The last is not all digits: that is an address. */
const HOST = new RegExp(`^(?:${LABEL}\\.)+(?!\\d+$)${LABEL}$`);

const WILDCARD = '*.';

/** In lower case, as `URL` gives it; an international name as punycode. */
export function isHostName(text: string): boolean {
  return text.length <= MAX_HOST_CHARACTERS && HOST.test(text);
}

/** `files.example.com`, or `*.example.com` for every name below it; `*.com` is too wide. */
export function isHostPattern(text: string): boolean {
  return isHostName(text.startsWith(WILDCARD) ? text.slice(WILDCARD.length) : text);
}

/** `*.example.com` covers `a.example.com` and `a.b.example.com`, and not `example.com` itself. */
export function isHostCovered(host: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith(WILDCARD) ? host.endsWith(pattern.slice(1)) : host === pattern,
  );
}
