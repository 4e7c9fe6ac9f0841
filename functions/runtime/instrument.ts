// The middleware of every handler: it gives the logger its context and writes the metrics.
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { LambdaTelemetry } from './telemetry.ts';

/**
 * @param create makes the function with its clients; called once, at the first invocation of an execution environment
 */
export function instrument<Event, Result>(
  { logger, metrics }: LambdaTelemetry,
  create: () => (event: Event, context: Context) => Promise<Result>,
) {
  // Not Powertools' logMetrics: it logs a warning for every invocation without metrics.
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
