// How long each function's clients wait, and how often they try. A connection may be lost without an error. So a call has to give
// up the attempt and make another one well within the time that is left.

/** Milliseconds of one attempt, and attempts of one call. */
export interface ClientBudget {
  connectionMs: number;
  /** From the start of an attempt to its answer's headers. */
  requestMs: number;
  attempts: number;
}

/**
 * A call takes at most attempts x request + backoff. That has to fit into the time that its function keeps back at its end, since
 * new work starts until then. Backoff is the SDK's for throttling, the longer of its two: up to 1, 2, 4 … s.
 *
 *   function     timeout  kept back   request  attempts  a call at most
 *   api             29 s          -       3 s         3            12 s   the whole of one HTTP request
 *   sweep           55 s       10 s       2 s         3             9 s
 *   deadLetters     60 s       25 s       5 s         3            18 s
 *   ingest         120 s       20 s       3 s         4            19 s
 *   upload         180 s       17 s       2 s         4            15 s   reports, queues, ledger; not the objects
 *   settle         300 s          -      15 s         6           121 s   reads and writes large report files
 *
 * Upload keeps back 20 s, and what is under way at its stop may take 3 s of them.
 * DynamoDB, SQS and small objects of S3 are answered within 0.1 s; S3's guide advises to repeat small requests after 2 s.
 */
export const CLIENT_BUDGETS = {
  api: { connectionMs: 1_000, requestMs: 3_000, attempts: 3 },
  sweep: { connectionMs: 1_000, requestMs: 2_000, attempts: 3 },
  deadLetters: { connectionMs: 1_000, requestMs: 5_000, attempts: 3 },
  ingest: { connectionMs: 1_000, requestMs: 3_000, attempts: 4 },
  upload: { connectionMs: 1_000, requestMs: 2_000, attempts: 4 },
  settle: { connectionMs: 2_000, requestMs: 15_000, attempts: 6 },
} as const satisfies Record<string, ClientBudget>;

/** Of commands and the lab, which no timeout ends. */
export const COMMAND_BUDGET: ClientBudget = { connectionMs: 2_000, requestMs: 15_000, attempts: 6 };

/** The SDK's backoff after throttling: its base doubles with each attempt, up to a cap (its retries-2026-config). */
const THROTTLING_BASE_MS = 1_000;
const BACKOFF_CAP_MS = 20_000;

/** Milliseconds that one call takes at most, until the headers of its last answer. */
export function mostCallMs({ requestMs, attempts }: ClientBudget): number {
  let totalMs = attempts * requestMs;
  for (let retry = 0; retry < attempts - 1; retry++)
    totalMs += Math.min(BACKOFF_CAP_MS, THROTTLING_BASE_MS * 2 ** retry);
  return totalMs;
}

/** S3 may answer a copy only once it is done, which takes minutes for 5 GiB: no function runs longer than this. */
const MOST_COPY_MS = 900_000;

/**
 * The time limit of a copy's answer: none of its own where a signal ends it, as the invocation's remaining time does.
 * @returns milliseconds, 0 for none
 */
export function copyTimeoutMs(cutOff: AbortSignal | undefined): number {
  return cutOff === undefined ? MOST_COPY_MS : 0;
}
