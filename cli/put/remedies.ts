// What a user can do about faults whose own message says only what is wrong.
import { errorChain } from '../failure.ts';

export interface Remedy {
  text: string;
  /** Whether trying again can't help. */
  isFinal: boolean;
}

const BUNDLE =
  'its certificate is not trusted. AWS_CA_BUNDLE names a PEM file of the authorities to trust, NODE_EXTRA_CA_CERTS of those to trust as well';
const PLAIN = 'what listens there speaks no TLS: http:// instead of https://?';
const TUNNEL =
  'the proxy refuses it: check HTTPS_PROXY, with user and password if it asks for them, and NO_PROXY';

/** Trying again can't help. */
const final = (text: string): Remedy => ({ text, isFinal: true });
const passing = (text: string): Remedy => ({ text, isFinal: false });

const REMEDIES = new Map<string, Remedy>([
  ['SELF_SIGNED_CERT_IN_CHAIN', final(BUNDLE)],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', final(BUNDLE)],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', final(BUNDLE)],
  ['UNABLE_TO_GET_ISSUER_CERT', final(BUNDLE)],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', final(BUNDLE)],
  ['CERT_UNTRUSTED', final(BUNDLE)],
  ['ERR_TLS_CERT_ALTNAME_INVALID', final('its certificate is for another name')],
  ['CERT_HAS_EXPIRED', final('its certificate has expired')],
  ['CERT_NOT_YET_VALID', final("its certificate is not valid yet: check this machine's clock")],
  ['EPROTO', final(PLAIN)],
  ['ERR_SSL_WRONG_VERSION_NUMBER', final(PLAIN)],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', final(PLAIN)],
  ['ERR_PROXY_TUNNEL', final(TUNNEL)],
  ['ECONNREFUSED', passing('nothing listens there: check --endpoint-url and proxies')],
  ['ENOTFOUND', passing('there is no such host: check --endpoint-url and proxies')],
  ['ECONNRESET', passing('the connection was closed: https:// instead of http://?')],
]);

/** @returns undefined where the error says enough */
export function connectionRemedy(error: unknown): Remedy | undefined {
  return errorChain(error)
    .map(({ code = '' }) => REMEDIES.get(code))
    .find((remedy) => remedy !== undefined);
}

/** Requests that an endpoint refuses for a header of a checksum. */
const OF_CHECKSUM = /x-amz-(?:sdk-)?checksum|\bchecksum\b/i;
const REFUSED_HEADER = new Set(['NotImplemented', 'InvalidArgument', 'InvalidRequest', 'XNotImplemented']);

/** @returns what to do about a request that S3 refused for good; undefined where its message says enough */
export function refusalRemedy({ code, message }: { code: string; message: string }): string | undefined {
  return REFUSED_HEADER.has(code) && OF_CHECKSUM.test(message)
    ? 'AWS_REQUEST_CHECKSUM_CALCULATION=when_required leaves checksums out'
    : undefined;
}
