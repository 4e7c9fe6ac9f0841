// The event sources of all functions, each function with a client of its own that signs in the name of its role.
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import { queueUrlsOf } from '../service/emulated.ts';
import type { ServiceModel } from '../service/model.ts';
import type { LambdaHost } from './host.ts';
import { createQueueClient } from './sqs-client.ts';
import { type SqsEventSource, startSqsEventSource } from './sqs-event-source.ts';
import { accessKeyOfFunction } from './variables.ts';

export interface EventSources {
  /** In the order of the function's event sources; those that are not enabled are left out. */
  byFunction: Map<string, SqsEventSource[]>;
  /** They may run at once. */
  stops: (() => Promise<void>)[];
}

interface Dependencies {
  clock: Clock;
  random: Random;
  host: LambdaHost;
  log: (line: string) => void;
}

export function startEventSources(
  dependencies: Dependencies,
  service: ServiceModel,
  { endpoint, unevenBatches }: { endpoint: string; unevenBatches: boolean },
): EventSources {
  const { region, functions } = service;
  const byFunction: EventSources['byFunction'] = new Map();
  const stops: EventSources['stops'] = [];
  for (const model of Object.values(functions)) {
    const enabled = model.sqsSources.filter((source) => source.enabled);
    if (enabled.length === 0) {
      byFunction.set(model.name, []);
      continue;
    }
    const queue = createQueueClient({ endpoint, region, accessKeyId: accessKeyOfFunction(model) });
    const sources = enabled.map((source) =>
      startSqsEventSource(
        { ...dependencies, queue },
        { model, source, ...queueUrlsOf(service, source.queueArn), region, unevenBatches },
      ),
    );
    byFunction.set(model.name, sources);
    stops.push(async () => queue.close(), ...sources.map((source) => () => source.stop()));
  }
  return { byFunction, stops };
}
