// What can go wrong with a web source, as the codes that rows end with. No message holds an URL's query or what a server wrote.
//
//   permanent   trying again changes nothing: the row fails with the code
//   transient   the server or the way to it may be better later
//   throttle    the server asks for a lower rate
import { given } from '../../attributes/object-attributes.ts';
import { classifyFault } from '../../aws/classify.ts';
import { boundedName } from '../../text/bounded.ts';
import { KnownFault } from '../../transfer/known-fault.ts';

export type WebFaultCode =
  | 'SourceAddressRefused'
  | 'SourceAnswerInvalid'
  | 'SourceBrokenOff'
  | 'SourceCertificateExpired'
  | 'SourceCertificateUntrusted'
  | 'SourceCertificateWrongHost'
  | 'SourceChanged'
  | 'SourceEtagMismatch'
  | 'SourceForbidden'
  | 'SourceGone'
  | 'SourceHeadersTooLarge'
  | 'SourceLengthUnknown'
  | 'SourceNotAllowed'
  | 'SourceNotFound'
  | 'SourceRangeRefused'
  | 'SourceRedirectRefused'
  | 'SourceRefused'
  | 'SourceSizeMismatch'
  | 'SourceThrottled'
  | 'SourceTimeout'
  | 'SourceTlsFailed'
  | 'SourceTooLarge'
  | 'SourceTooManyRedirects'
  | 'SourceTooSlow'
  | 'SourceUnauthorized'
  | 'SourceUnavailable';

export function permanent(code: WebFaultCode, message: string, cause?: unknown): KnownFault {
  return new KnownFault({ kind: 'permanent', code, message }, cause);
}

/** @param retryAfterMs as the server said */
export function transient(
  code: WebFaultCode,
  message: string,
  { retryAfterMs, cause }: { retryAfterMs?: number | undefined; cause?: unknown } = {},
): KnownFault {
  return new KnownFault({ kind: 'transient', code, message, ...given('retryAfterMs', retryAfterMs) }, cause);
}

/** The source is another than it was when its read began: it is read again. */
export function changed(message: string): KnownFault {
  return new KnownFault({ kind: 'source-changed', code: 'SourceChanged', message });
}

const UNTRUSTED =
  'the certificate of the host is signed by no authority that is trusted: have the server send its whole chain';
/** Node's codes of OpenSSL's checks (X509_V_ERR_…), and of its own check of the name. */
const CERTIFICATES: Readonly<Record<string, readonly [WebFaultCode, string]>> = {
  CERT_HAS_EXPIRED: ['SourceCertificateExpired', 'the certificate of the host has expired: renew it'],
  CERT_NOT_YET_VALID: ['SourceCertificateExpired', 'the certificate of the host is not valid yet'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'SourceCertificateWrongHost',
    'the certificate of the host is made out for other names',
  ],
  CERT_REVOKED: ['SourceCertificateUntrusted', 'the certificate of the host was revoked'],
  CERT_SIGNATURE_FAILURE: ['SourceCertificateUntrusted', UNTRUSTED],
  CERT_UNTRUSTED: ['SourceCertificateUntrusted', UNTRUSTED],
  CERT_REJECTED: ['SourceCertificateUntrusted', UNTRUSTED],
  CERT_CHAIN_TOO_LONG: ['SourceCertificateUntrusted', UNTRUSTED],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['SourceCertificateUntrusted', UNTRUSTED],
  INVALID_CA: ['SourceCertificateUntrusted', UNTRUSTED],
  INVALID_PURPOSE: ['SourceCertificateUntrusted', UNTRUSTED],
  PATH_LENGTH_EXCEEDED: ['SourceCertificateUntrusted', UNTRUSTED],
  SELF_SIGNED_CERT_IN_CHAIN: ['SourceCertificateUntrusted', UNTRUSTED],
  UNABLE_TO_GET_ISSUER_CERT: ['SourceCertificateUntrusted', UNTRUSTED],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['SourceCertificateUntrusted', UNTRUSTED],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['SourceCertificateUntrusted', UNTRUSTED],
};

/**
 * What an error of Node's HTTP client means.
 * @param host whom the connection was for
 */
export function faultOfConnection(error: unknown, host: string): KnownFault {
  if (error instanceof KnownFault) return error;
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  const certificate = CERTIFICATES[code];
  if (certificate !== undefined) return permanent(certificate[0], `${host}: ${certificate[1]}`, error);
  if (code === 'HPE_HEADER_OVERFLOW')
    return permanent('SourceHeadersTooLarge', `${host} sent more headers than are read`, error);
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS'))
    return transient('SourceTlsFailed', `${host}: TLS failed (${boundedName(code)})`, { cause: error });
  // The end of the connection within a chunk, or within the headers.
  if (code === 'HPE_INVALID_EOF_STATE')
    return transient('SourceBrokenOff', `${host}: the connection broke off`, { cause: error });
  if (code.startsWith('HPE_'))
    return permanent('SourceAnswerInvalid', `${host} sent no valid HTTP (${boundedName(code)})`, error);
  // A system error (ECONNRESET, ENOTFOUND …), or an aborted request; their texts may hold what a server wrote.
  const message = `${host}: no answer, or not all of it`;
  return new KnownFault({ kind: 'transient', code: classifyFault(error).code, message }, error);
}
