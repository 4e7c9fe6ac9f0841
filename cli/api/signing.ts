// Decides whether requests to an API are signed, and for which region: a deployed API asks for IAM, the embedded cloud does not.
import type { SigningScope } from '../../shared/aws/signature.ts';

const SERVICE = 'execute-api';
/** The name that API Gateway gives an API: <id>.execute-api.<region>.amazonaws.com, in China with .cn. */
const API_HOST = /^[^.]+\.execute-api\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;

/**
 * The scope in which requests to this address are signed.
 *
 *   http                 not signed: others could read and use the signature
 *   API Gateway's name   for the region in it
 *   any other name       a custom domain: for the region of the environment; without one, not signed
 */
export function signingScopeOf(
  api: URL,
  env: Readonly<Record<string, string | undefined>>,
): SigningScope | undefined {
  if (api.protocol !== 'https:') return undefined;
  const region = API_HOST.exec(api.hostname)?.[1] ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  return region === undefined ? undefined : { region, service: SERVICE };
}

/** A query in the form that is signed: sorted by name, encoded by RFC 3986. */
export function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(query)
    .filter((entry): entry is [string, string | number] => entry[1] !== undefined)
    .map(([name, value]) => [encoded(name), encoded(String(value))] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
