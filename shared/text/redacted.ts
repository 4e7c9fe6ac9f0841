// Takes credentials out of text that is printed, logged or kept: those in a URL, and those that sign a request.
//
//   https://name:password@host/      https://***@host/
//   …?X-Amz-Signature=0af3…          …?X-Amz-Signature=***      also Google's, AWS's older ones, and those in a header
//
// Passwords hold characters that a URL does not allow. In doubt too much is hidden rather than too little. The path of
// s3://bucket/@types/node stays.

const HIDDEN = '***';

/** Characters of a password that holds a slash. Without a bound, hostile text costs time by the square of its length. */
const MAX_PASSWORD_CHARACTERS = 300;

const userInfo = /:\/\/[^\s/?#]*@/g;
/** Behind the first colon stands no port: it is a password with a slash, a question mark or a number sign in it. */
const brokenUserInfo = new RegExp(
  `://[^\\s/?#@:[]*:(?!\\d+(?:[/?#\\s'"]|$))[^\\s@]{0,${MAX_PASSWORD_CHARACTERS}}@`,
  'g',
);

/** %3D: within another URL a query is encoded once more. */
const signing =
  /\b((?:X-Amz|X-Goog)-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|GoogleAccessId|Signature)(=|%3D)[^\s&"'<>#,;]+/gi;

/** The text, with every credential in it as `***`. */
export function redacted(text: string): string {
  const shown = text.includes('@')
    ? text.replace(userInfo, `://${HIDDEN}@`).replace(brokenUserInfo, `://${HIDDEN}@`)
    : text;
  return /=|%3D/i.test(shown) ? shown.replace(signing, `$1$2${HIDDEN}`) : shown;
}

/**
 * The same for a text that is an address as a whole. In it an @ always ends a user name or a password, with a scheme before
 * them or without one.
 */
export function redactedAddress(address: string): string {
  return redacted(address.replace(/^([a-z][a-z0-9+.-]*:\/{1,2})?.*@/is, `$1${HIDDEN}@`));
}
