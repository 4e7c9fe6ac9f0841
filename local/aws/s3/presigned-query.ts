// A link that was signed before it is used: who signed it, and whether it still holds. (S3 API reference, "Authenticating
// Requests: Using Query Parameters".)

/** The access key of the link's signer, as in an Authorization header; undefined where it is no such link. */
export function signerOfQuery(query: URLSearchParams): string | undefined {
  const credential = query.get('X-Amz-Credential');
  return credential === null ? undefined : `Credential=${credential}`;
}

/** Whether the link's time is over. */
export function isExpired(query: URLSearchParams, nowMs: number): boolean {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('X-Amz-Date') ?? '') ?? [];
  const seconds = query.get('X-Amz-Expires');
  if (year === undefined || seconds === null) return isVersion2Expired(query, nowMs);
  const signedMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return nowMs > signedMs + Number(seconds) * 1000;
}

/** Of signature version 2, which AWS CLI 1 signs links with in us-east-1: the time is in seconds since 1970. */
function isVersion2Expired(query: URLSearchParams, nowMs: number): boolean {
  const expires = query.get('Expires');
  if (expires === null || !query.has('AWSAccessKeyId')) return false;
  // A time that is no number is over, too.
  return !(nowMs <= Number(expires) * 1000);
}
