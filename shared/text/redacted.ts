// Takes credentials out of text that is printed, logged or kept: those in a URL, and those that sign a request.
//
//   https://name:password@host/      https://***@host/
//   …?X-Amz-Signature=0af3…          …?X-Amz-Signature=***      also Google's, Azure's, AWS's older ones, and those in headers
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

/** Within another URL: `https%3A%2F%2Fname%3Apassword%40host`. As a URL, it ends at the first slash. */
const encodedUserInfo = /%3A%2F%2F(?:(?!%2F|%3F|%23)[^\s/?#&"'<>])*%40/gi;

/** A session's token as a header, or as a value of JSON: some servers answer with the request that they refuse. */
const tokenHeader = /\b(X-(?:Amz|Goog)-Security-Token"?\s{0,3}:\s{0,3}"?)[^\s"'<>#,;]+/gi;

/** %3D: within another URL a query is encoded once more. */
const signing =
  /\b((?:X-Amz|X-Goog)-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|GoogleAccessId|Signature|sig)(=|%3D)[^\s&"'<>#,;]+/gi;

/** The text, with every credential in it as `***`. */
export function redacted(text: string): string {
  let shown = text;
  if (shown.includes('@')) {
    shown = shown.replace(userInfo, `://${HIDDEN}@`).replace(brokenUserInfo, `://${HIDDEN}@`);
  }
  if (shown.includes('%40')) shown = shown.replace(encodedUserInfo, `%3A%2F%2F${HIDDEN}%40`);
  if (shown.includes(':')) shown = shown.replace(tokenHeader, `$1${HIDDEN}`);
  return /=|%3D/i.test(shown) ? shown.replace(signing, `$1$2${HIDDEN}`) : shown;
}

/**
 * The same for a text that is an address as a whole. In it an @ always ends a user name or a password, with a scheme before
 * them or without one.
 */
export function redactedAddress(address: string): string {
  return redacted(address.replace(/^([a-z][a-z0-9+.-]*:\/{1,2})?.*@/is, `$1${HIDDEN}@`));
}

/** An URL without its query: what signs it stands there, under whatever name. Its host and its path are shown. */
export function redactedUrl(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? redacted(url) : `${redacted(url.slice(0, end))}${url[end]}${HIDDEN}`;
}

/**
 * A text that was to be something else, such as the name of a column, and may be an URL: then it is shown without its query.
 * A place in S3 keeps what follows a question mark, since that may be part of its key.
 */
export function redactedUnknown(text: string): string {
  const shown = redacted(text);
  return text.includes('://') && !text.startsWith('s3://') ? redactedUrl(shown) : shown;
}
