// Addresses from options and the environment. None holds a user name or a password: requests to S3 and to Spillway's API are
// signed, and a password in an address would be printed and logged by others.
import { redactedAddress } from '../shared/text/redacted.ts';
import { usageFailure } from './failure.ts';

const INSTEAD = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE';

export function isHttpAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/**
 * An @ anywhere is refused: a password with a slash in it, or an address without its scheme, is parsed as something else.
 * @param from the option or variable that holds the address
 * @throws Failure that hides what may be a password; commander's own message would print it
 */
export function assertNoUserInfo(address: string, from: string): void {
  if (!/@|%40/i.test(address)) return;
  const shown = redactedAddress(address.replaceAll(/%40/gi, '@'));
  throw usageFailure(
    `${from} takes an address without user name and password, and ${shown} holds one: requests are signed; ${INSTEAD}`,
  );
}

/**
 * @param address the S3 endpoint that the SDK found in the environment or the profile
 * @throws Failure that names where it comes from
 */
export function assertEndpoint(address: string, env: Readonly<Record<string, string | undefined>>): void {
  const names = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'];
  const from = names.find((name) => env[name] === address) ?? "the profile's endpoint_url";
  assertNoUserInfo(address, from);
  if (isHttpAddress(address)) return;
  throw usageFailure(
    `${from} takes an address such as http://127.0.0.1:4566, not ${JSON.stringify(address)}`,
  );
}
