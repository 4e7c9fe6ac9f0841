// The S3 clients, made in one place so that retries, timeouts and sockets are chosen once. Those of other services are in
// pipeline-clients.ts: `put` needs none of them, and they take a while to load.
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { boundAnswers } from './bound-answers.ts';
import { type ClientBudget, COMMAND_BUDGET } from './budgets.ts';

/** Sockets of one client. The SDK's default is 50; an upload environment runs up to 64 transfers beside its report's writes. */
const MAX_SOCKETS = 128;
/** Of the small writes to the destination, whose retries are the project's own; copies have a limit of their own. */
const TRANSFER_LIMITS = { connectionMs: 2_000, requestMs: 15_000 };

/** How a machine outside of AWS reaches it; Lambda functions need none of it. */
export interface ConnectionOptions {
  /** Proxies, in Node's terms: `http_proxy`, `https_proxy`, `no_proxy`. */
  proxyEnv?: Readonly<Record<string, string>>;
  /** The certificate authorities to trust instead of Node's own, in PEM. */
  ca?: string[];
}

/**
 * Every S3 client. `Expect: 100-continue` asks S3 whether it wants a body before it is sent. That pays only where S3
 * refuses much, and for each request the SDK opens a connection of its own and waits a round trip more. A gateway that never
 * answers it costs 6 s a request, and old ones refuse it with 417.
 */
function clientOf(config: S3ClientConfig): S3Client {
  return boundAnswers(new S3Client({ expectContinueHeader: false, ...config }));
}

function agents(maxSockets: number, connection: ConnectionOptions) {
  const options = { maxSockets, keepAlive: true, ...connection };
  return { httpAgent: options, httpsAgent: { ...options } };
}

/** A request that has not been answered in time is given up. The SDK only warns unless it is set to throw. */
function handlerWith(
  { connectionMs, requestMs }: Pick<ClientBudget, 'connectionMs' | 'requestMs'>,
  connection: ConnectionOptions = {},
) {
  return {
    connectionTimeout: connectionMs,
    requestTimeout: requestMs,
    throwOnRequestTimeout: true,
    ...agents(MAX_SOCKETS, connection),
  };
}

/** Their answers are read whole and at once. So a connection without traffic is broken, also in the middle of an answer. */
export function limitsOf(budget: ClientBudget, connection: ConnectionOptions = {}) {
  return {
    requestHandler: { ...handlerWith(budget, connection), socketTimeout: budget.requestMs },
    maxAttempts: budget.attempts,
  };
}

/**
 * The client that writes destination objects. `maxAttempts: 1`: the project owns retry and pace. The SDK's own retries
 * share one token bucket of 500; once it is empty every call fails at once without backoff (measured; see docs of
 * aws-sdk-js-v3 retry behaviour, changed 2026-11).
 */
export function createTransferClient(config: S3ClientConfig = {}): S3Client {
  return clientOf({ requestHandler: handlerWith(TRANSFER_LIMITS), ...config, maxAttempts: 1 });
}

/** A line that many files share may take this long to connect. */
const UPLINK_CONNECTION_MS = 15_000;
/** On a slow line that many files share, an answer may take long. A connection without any traffic is broken. */
const IDLE_TIMEOUT_MS = 60_000;

/** As the transfer client, for a machine outside of AWS: its line is slow, and its requests at once are the user's choice. */
export function createUplinkClient(
  config: S3ClientConfig,
  sockets: number,
  connection: ConnectionOptions = {},
): S3Client {
  return clientOf({
    ...config,
    requestHandler: {
      connectionTimeout: UPLINK_CONNECTION_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
      ...agents(sockets, connection),
    },
    maxAttempts: 1,
  });
}

/** Without a limit on idle connections: a reader of a streamed object may pause for longer. */
export function createS3Client(
  config: S3ClientConfig = {},
  budget: ClientBudget = COMMAND_BUDGET,
  connection: ConnectionOptions = {},
): S3Client {
  return clientOf({
    requestHandler: handlerWith(budget, connection),
    maxAttempts: budget.attempts,
    ...config,
  });
}
