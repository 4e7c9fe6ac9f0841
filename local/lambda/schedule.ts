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
  /** Invokes the function with the event of its schedule now, beside the clock, once. */
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

/** Before the second and the third attempt of a failed asynchronous invocation (Lambda developer guide, "Error handling"). */
const RETRY_DELAYS_MS = [60_000, 120_000];

/**
 * EventBridge invokes asynchronously: Lambda tries a failed run again, beside the runs that follow, as often and for as long as
 * serverless.yml lets it. No event grows old before its first attempt, since there is no account whose concurrency could be used up.
 */
export function startSchedules(
  { clock, random, host }: ScheduleDependencies,
  functions: Record<string, FunctionModel>,
  place: SchedulePlace,
): Schedules {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);

  function run(model: FunctionModel, payload: string): Promise<InvokeResult> {
    return host.invoke(model.name, payload, nextTraceHeader(random, model.arn));
  }

  const payloadOf = (model: FunctionModel, schedule: ScheduleModel): string =>
    JSON.stringify(schedule.input ?? scheduledEvent(model, clock, place));

  async function runUntilAnswered(model: FunctionModel, schedule: ScheduleModel): Promise<void> {
    const { maximumRetryAttempts, maximumEventAgeMs } = model.asynchronous;
    const [sentAtMs, payload] = [clock.now(), payloadOf(model, schedule)];
    for (let retries = 0; ; retries++) {
      const { kind } = await run(model, payload);
      const delayMs = RETRY_DELAYS_MS[retries];
      if (kind === 'answered' || retries >= maximumRetryAttempts || delayMs === undefined) return;
      await clock.sleep(delayMs, stopping.signal);
      if (clock.now() - sentAtMs > maximumEventAgeMs) return;
    }
  }

  async function keepTime(model: FunctionModel, schedule: ScheduleModel): Promise<void> {
    while (true) {
      await clock.sleep(schedule.everyMs, stopping.signal);
      // Not awaited: a run that takes longer than the period does not hold up the next.
      // It fails only where its wait is ended.
      void runUntilAnswered(model, schedule).catch(() => undefined);
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
      return run(model, payloadOf(model, schedule));
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
