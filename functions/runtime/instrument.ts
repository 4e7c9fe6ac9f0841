// What every handler has around it: the logger's context and the metrics' flush.
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { Telemetry } from './telemetry.ts';

/**
 * @param create makes the function with its clients at the first invocation, and is not called again while it stays warm
 */
export function instrument<Event, Result>(
  { logger, metrics }: Telemetry,
  create: () => (event: Event, context: Context) => Promise<Result>,
) {
  // Not Powertools' logMetrics: it warns of every invocation that counted nothing.
  const flush = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  let run: ReturnType<typeof create> | undefined;
  return middy<Event, Result>()
    .use(injectLambdaContext(logger))
    .use({ after: flush, onError: flush })
    .handler(async (event, context) => {
      run ??= create();
      return run(event, context);
    });
}
