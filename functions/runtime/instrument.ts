// The handler of every function: its parts are made from its configuration, the logger gets its context, and the metrics are
// written.
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { onFirstUse } from '../../shared/time/on-first-use.ts';
import { type Configuration, readConfiguration, type Variables } from './configuration.ts';
import { createTelemetry, type LambdaTelemetry, type Telemetry } from './telemetry.ts';

/**
 * The handler of a function whose environment has these variables.
 * @param wire makes what the function works with
 * @param create makes the function; called with `wire`, once, at the first invocation of an execution environment
 */
export function createHandler<Declared extends Variables, Dependencies, Event, Result>(
  variables: Declared,
  wire: (configuration: Configuration<Declared>, telemetry: Telemetry) => Dependencies,
  create: (dependencies: Dependencies) => (event: Event, context: Context) => Promise<Result>,
) {
  const telemetry = createTelemetry();
  return instrument(telemetry, () => create(wire(readConfiguration(variables), telemetry)));
}

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
  const run = onFirstUse(create);
  return middy<Event, Result>()
    .use(injectLambdaContext(logger))
    .use({ after: flush, onError: flush })
    .handler(async (event, context) => run()(event, context));
}
