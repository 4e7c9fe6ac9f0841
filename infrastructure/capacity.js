// How many functions run at once, against the concurrency of the account; and what the ledger's table takes from the start.

/** What an SQS event source takes at least (Lambda, ScalingConfig). Dead letters are few. */
export const DEAD_LETTERS_CONCURRENCY = 2;
/** A run a minute, of less than a minute. */
const SWEEP_CONCURRENCY = 1;
/** Calls are short and few. Where Lambda has no room for one, its caller gets an error and may call again. */
const API_CONCURRENCY = 1;
/** Invocations at once of the functions that no queue invokes. The doctor and `spillway concurrency` count the same. */
export const UNMAPPED_CONCURRENCY = SWEEP_CONCURRENCY + API_CONCURRENCY;

/**
 * The functions of an account share one concurrency. Above it Lambda refuses invocations, also those of other services, and the
 * messages of a refused batch count as received: they could become dead letters without a worker.
 * @param {Record<'maximumConcurrency' | 'ingestConcurrency' | 'settleConcurrency' | 'accountConcurrency', number>} numbers
 *   NaN where a parameter is no number, which is reported elsewhere
 * @param {string[]} faults
 */
export function checkConcurrency(
  { maximumConcurrency, ingestConcurrency, settleConcurrency, accountConcurrency },
  faults,
) {
  const rest = DEAD_LETTERS_CONCURRENCY + UNMAPPED_CONCURRENCY;
  const others = ingestConcurrency + settleConcurrency + rest;
  const sum = maximumConcurrency + others;
  if (!(sum > accountConcurrency)) return;
  const left = accountConcurrency - others;
  const lower =
    left >= 2
      ? `Lower maximumConcurrency to ${left}`
      : 'Lower all three: 2 each fit in the 10 of a new account';
  faults.push(
    `maximumConcurrency ${maximumConcurrency} + ingestConcurrency ${ingestConcurrency} + settleConcurrency ${settleConcurrency} + ` +
      `${rest} of dead letters, sweep and API = ${sum} functions at once, above accountConcurrency ${accountConcurrency}. ${lower}, ` +
      'or raise the quota "Concurrent executions" of Lambda, and accountConcurrency with it',
  );
}

/**
 * The table's property WarmThroughput. AWS::NoValue leaves it out of the template.
 * @param {{ ledgerWarmReads: number | undefined, ledgerWarmWrites: number | undefined }} values units a second
 */
export function warmThroughput({ ledgerWarmReads: reads, ledgerWarmWrites: writes }) {
  if (reads === undefined && writes === undefined) return { Ref: 'AWS::NoValue' };
  return {
    ...(reads === undefined ? {} : { ReadUnitsPerSecond: reads }),
    ...(writes === undefined ? {} : { WriteUnitsPerSecond: writes }),
  };
}
