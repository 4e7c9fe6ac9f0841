// What an error from S3 means for the item that met it: by its code, then by its status. A HEAD's 503 has no body and so no code.
// The SDK calls it transient, but its status means throttling (measured; aws-sdk-java-v2#5414).
import { boundedName, boundedText } from '../text/bounded.ts';

/**
 * throttle        S3 asks for a lower rate. `scope` says what is over its limit
 * transient       the outcome may be unknown; the same key and body again is safe
 * conflict        another conditional write of the key is under way: try again
 * exists          a conditional write found an object
 * source-changed  the source of a copy is not the one that a HEAD found: it is read again
 * permanent       trying again changes nothing
 */
export type Fault = FaultText &
  (
    | { kind: 'throttle'; scope: ThrottleScope }
    | { kind: 'transient' | 'conflict' | 'exists' | 'source-changed' | 'permanent' }
  );

/**
 * What is over its limit, as far as the answer says:
 *
 *   partition   the key's partition: SlowDown, or 503 without a code
 *   kms         KMS behind the bucket: its code, or its name in the message
 *   object      one object that is written too often, where the message says so: R2's does, AWS's SlowDown does not
 *   account     the account's requests to an API: the codes and the status with which AWS answers for that
 */
export type ThrottleScope = 'partition' | 'kms' | 'object' | 'account';

interface FaultText {
  code: string;
  message: string;
  /** The wait that the server named in Retry-After. It is not asked again before. */
  retryAfterMs?: number;
}

type FaultKind = Fault['kind'];

/** The element Condition of a 412, where the source has another ETag. For the destination it is If-None-Match. */
export const SOURCE_CONDITION = 'x-amz-copy-source-If-Match';

/** Codes with which AWS throttles the account. */
const CODES_OF_ACCOUNT: ReadonlySet<string> = new Set([
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'ProvisionedThroughputExceededException', // HTTP 400: DynamoDB, also of a table on demand
]);

const KIND_BY_CODE = new Map<string, FaultKind>([
  ...[...CODES_OF_ACCOUNT].map((code) => [code, 'throttle'] as const),
  ...Object.entries<FaultKind>({
    SlowDown: 'throttle',
    ServiceUnavailable: 'throttle',
    'KMS.ThrottlingException': 'throttle',
    InternalError: 'transient',
    RequestTimeout: 'transient', // HTTP 400: the socket stood idle while S3 waited for the body
    IncompleteBody: 'transient', // HTTP 400, like the next two: what came is not what was sent
    BadDigest: 'transient',
    XAmzContentSHA256Mismatch: 'transient',
    RequestTimeTooSkewed: 'transient', // the SDK corrects its clock offset from this answer
    ExpiredToken: 'transient', // the role's credentials are renewed by then
    TimeoutError: 'transient',
    AbortError: 'transient',
    ECONNRESET: 'transient',
    ECONNREFUSED: 'transient',
    ECONNABORTED: 'transient',
    EPIPE: 'transient',
    ETIMEDOUT: 'transient',
    EHOSTUNREACH: 'transient',
    ENETUNREACH: 'transient',
    ENOTFOUND: 'transient',
    EAI_AGAIN: 'transient',
    ConditionalRequestConflict: 'conflict',
    OperationAborted: 'conflict',
    PreconditionFailed: 'exists',
    NotImplemented: 'permanent',
    NoProof: 'permanent', // a 2xx answer that is not S3's
  }),
]);

const KIND_BY_STATUS: Readonly<Record<number, FaultKind>> = {
  408: 'transient',
  412: 'exists',
  429: 'throttle',
  500: 'transient',
  502: 'transient',
  503: 'throttle',
  504: 'transient',
  // Trying again does not help: some endpoints support no conditional writes, or no checksums.
  501: 'permanent',
  505: 'permanent',
};

/** Shape of what the SDK throws; system errors carry `code`, service errors `name`. */
interface ThrownByClient {
  name?: string;
  code?: string;
  Code?: string;
  message?: string;
  Condition?: string;
  $metadata?: { httpStatusCode?: number };
  $response?: { statusCode?: number };
}

/** An error as the SDK throws it. @param code under which classifyFault knows it */
export function refusalOf(code: string, message: string, httpStatusCode: number): Error {
  return Object.assign(new Error(message), { name: code, $metadata: { httpStatusCode } });
}

/** What clients put in the place of a code. The answer to a HEAD has none, since it has no body. */
const NO_CODES: ReadonlySet<string> = new Set(['Error', 'Unknown', 'UnknownError']);

export function classifyFault(thrown: unknown): Fault {
  const error = (
    typeof thrown === 'object' && thrown !== null ? thrown : { message: String(thrown) }
  ) as ThrownByClient;
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
  const codes = [error.Code, error.name, error.code].filter((code) => code !== undefined);
  const known = codes.find((code) => KIND_BY_CODE.has(code));
  const kind = KIND_BY_CODE.get(known ?? '') ?? KIND_BY_STATUS[status ?? 0] ?? kindOfUnknown(status);
  const said = known ?? codes.find((name) => !NO_CODES.has(name));
  const code = boundedName(said ?? `Http${status ?? 'NoAnswer'}`);
  const message = boundedText(error.message ?? '');
  if (kind === 'throttle') {
    return { kind, scope: scopeOf(code, message, known === undefined ? status : undefined), code, message };
  }
  if (kind === 'exists' && /^x-amz-copy-source-/i.test(error.Condition ?? '')) {
    return { kind: 'source-changed', code, message };
  }
  return { kind, code, message };
}

/** No answer at all, or an unknown fault of the server: the write may have happened, and may be tried again. */
function kindOfUnknown(status: number | undefined): FaultKind {
  return status === undefined || status >= 500 ? 'transient' : 'permanent';
}

/** Cloudflare R2: "Reduce your concurrent request rate for the same object." Google says it in `Details`, which is not read. */
const SAYS_OBJECT = /\bsame (object|key)\b/i;

/** @param status of an answer whose code is not known */
function scopeOf(code: string, message: string, status: number | undefined): ThrottleScope {
  if (code.startsWith('KMS') || /\bKMS\b/.test(message)) return 'kms';
  if (SAYS_OBJECT.test(message)) return 'object';
  return CODES_OF_ACCOUNT.has(code) || status === 429 ? 'account' : 'partition';
}
