// What a user can do about faults whose own message says only what is wrong.

/** Of errors that caused each other: the system's is at the bottom. */
const MAX_CAUSES = 5;

export interface Remedy {
  text: string;
  /** Whether trying again can't help. */
  isFinal: boolean;
}

const BUNDLE =
  'its certificate is not trusted. AWS_CA_BUNDLE names a PEM file of the authorities to trust, NODE_EXTRA_CA_CERTS of those to trust as well';
const PLAIN = 'what listens there speaks no TLS: http:// instead of https://?';

const REMEDIES: ReadonlyMap<string, Remedy> = new Map<string, Remedy>([
  ...[
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'CERT_UNTRUSTED',
  ].map((code): [string, Remedy] => [code, { text: BUNDLE, isFinal: true }]),
  ['ERR_TLS_CERT_ALTNAME_INVALID', { text: 'its certificate is for another name', isFinal: true }],
  ['CERT_HAS_EXPIRED', { text: 'its certificate has expired', isFinal: true }],
  [
    'CERT_NOT_YET_VALID',
    { text: "its certificate is not valid yet: check this machine's clock", isFinal: true },
  ],
  ['EPROTO', { text: PLAIN, isFinal: true }],
  ['ERR_SSL_WRONG_VERSION_NUMBER', { text: PLAIN, isFinal: true }],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', { text: PLAIN, isFinal: true }],
  ['ECONNREFUSED', { text: 'nothing listens there: check --endpoint-url and proxies', isFinal: false }],
  ['ENOTFOUND', { text: 'there is no such host: check --endpoint-url and proxies', isFinal: false }],
  ['ECONNRESET', { text: 'the connection was closed: https:// instead of http://?', isFinal: false }],
  [
    'ERR_PROXY_TUNNEL',
    {
      text: 'the proxy refuses it: check HTTPS_PROXY, with user and password if it asks for them, and NO_PROXY',
      isFinal: true,
    },
  ],
]);

/** @returns undefined where the error says enough */
export function connectionRemedy(error: unknown): Remedy | undefined {
  let each = error;
  for (let causes = 0; each instanceof Error && causes <= MAX_CAUSES; causes++, each = each.cause) {
    const remedy = REMEDIES.get((each as NodeJS.ErrnoException).code ?? '');
    if (remedy !== undefined) return remedy;
  }
  return undefined;
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
