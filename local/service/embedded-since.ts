// The header in which the embedded cloud's API says when it started. It keeps nothing of earlier runs; a deployed API,
// whose ledger lasts, sends no such header.

export const EMBEDDED_SINCE_HEADER = 'spillway-embedded-since';

/** @returns ISO time; undefined when the header is missing or holds no time */
export function embeddedSince(headers: Pick<Headers, 'get'>): string | undefined {
  const sinceMs = Date.parse(headers.get(EMBEDDED_SINCE_HEADER) ?? '');
  return Number.isNaN(sinceMs) ? undefined : new Date(sinceMs).toISOString();
}
