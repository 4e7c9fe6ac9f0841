// Scheduled events: invokes what `rate(…)` in serverless.yml schedules, by the machine's clock or at once on request.
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { ScheduledEvent } from 'aws-lambda';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import type { FunctionModel, ScheduleModel } from '../service/model.ts';
import type { InvokeResult, LambdaHost } from './host.ts';
import { nextTraceHeader } from './recursion.ts';

export interface Schedules {
  /** Invokes the function with the event of its schedule now, beside the clock. */
  trigger(functionName: string): Promise<InvokeResult>;
  stop(): Promise<void>;
}

export interface ScheduleDependencies {
  clock: Clock;
  random: Random;
  host: Pick<LambdaHost, 'invoke'>;
}

export interface SchedulePlace {
  region: string;
  accountId: string;
}

/** A failed run is not repeated before its next time: EventBridge would try twice more, which the schedule does anyway. */
export function startSchedules(
  { clock, random, host }: ScheduleDependencies,
  functions: Record<string, FunctionModel>,
  place: SchedulePlace,
): Schedules {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);

  function run(model: FunctionModel, schedule: ScheduleModel): Promise<InvokeResult> {
    const event = schedule.input ?? scheduledEvent(model, clock, place);
    return host.invoke(model.name, JSON.stringify(event), nextTraceHeader(random, model.arn));
  }

  async function keepTime(model: FunctionModel, schedule: ScheduleModel): Promise<void> {
    while (true) {
      await clock.sleep(schedule.everyMs, stopping.signal);
      // Not awaited: a run that takes longer than the period does not hold up the next.
      void run(model, schedule);
    }
  }

  const keeping = Object.values(functions).flatMap((model) =>
    model.schedules
      .filter((schedule) => schedule.enabled)
      .map((schedule) => keepTime(model, schedule).catch(() => undefined)),
  );

  return {
    async trigger(functionName) {
      const model = functions[functionName];
      const schedule = model?.schedules[0];
      if (model === undefined || schedule === undefined) throw new Error(`${functionName} has no schedule`);
      return run(model, schedule);
    },
    async stop() {
      stopping.abort();
      await Promise.all(keeping);
    },
  };
}

function scheduledEvent(
  model: FunctionModel,
  clock: Clock,
  { region, accountId }: SchedulePlace,
): ScheduledEvent<Record<string, never>> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: accountId,
    // Whole seconds, as EventBridge writes it.
    time: `${new Date(clock.now()).toISOString().slice(0, 19)}Z`,
    region,
    resources: [`arn:aws:events:${region}:${accountId}:rule/${model.deployedName}-schedule`],
    detail: {},
  };
}
