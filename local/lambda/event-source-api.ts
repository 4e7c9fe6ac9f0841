// What the embedded Lambda answers on its own API: its event source mappings, their bound of concurrency, the account's limit.
// (Lambda API reference: ListEventSourceMappings, GetEventSourceMapping, UpdateEventSourceMapping, GetAccountSettings)
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { describeIssues } from '../../shared/text/bounded.ts';
import { parseJson } from '../../shared/text/parse-json.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { LambdaAnswer, LambdaCall } from '../aws/lambda/lambda-http.ts';
import type { FunctionModel, SqsSourceModel } from '../service/model.ts';
import type { SqsEventSource } from './sqs-event-source.ts';

/** One mapping: what serverless.yml says of it, and how the running one is told of a change. */
export interface EventSource {
  model: Pick<FunctionModel, 'arn' | 'deployedName'>;
  source: SqsSourceModel;
  setMaximumConcurrency(most: number | undefined): void;
}

const MAPPINGS = '/2015-03-31/event-source-mappings';
const ACCOUNT = '/2016-08-19/account-settings';
/** Lambda's default quota of an account that is not new. */
const CONCURRENT_EXECUTIONS = 1_000;

/** @param running those that are enabled, in their order, by the function's name */
export function eventSourcesOf(
  functions: Readonly<Record<string, FunctionModel>>,
  running: ReadonlyMap<string, readonly Pick<SqsEventSource, 'setMaximumConcurrency'>[]>,
): EventSource[] {
  return Object.values(functions).flatMap((model) => {
    const enabled = model.sqsSources.filter((source) => source.enabled);
    return model.sqsSources.map((source) => ({
      model,
      source,
      setMaximumConcurrency(most) {
        if (most === undefined) delete source.maximumConcurrency;
        else source.maximumConcurrency = most;
        running.get(model.name)?.[enabled.indexOf(source)]?.setMaximumConcurrency(most);
      },
    }));
  });
}

const changeSchema = z.strictObject({
  FunctionName: z.optional(z.string()),
  ScalingConfig: z.strictObject({
    MaximumConcurrency: z.optional(z.int().check(z.minimum(2), z.maximum(1_000))),
  }),
});

export function createEventSourceApi(
  { clock }: { clock: Clock },
  sources: readonly EventSource[],
): (call: LambdaCall) => LambdaAnswer {
  const mappings = new Map(sources.map((each) => [uuidOf(each), each]));
  const startedAtMs = clock.now();
  const changedAtMs = new Map<string, number>();
  const view = (id: string, each: EventSource) => viewOf(id, each, changedAtMs.get(id) ?? startedAtMs);

  function list(query: URLSearchParams): LambdaAnswer {
    const name = query.get('FunctionName');
    const queue = query.get('EventSourceArn');
    const wanted = [...mappings].filter(
      ([, { model, source }]) =>
        (name === null || name === model.arn || name === model.deployedName) &&
        (queue === null || queue === source.queueArn),
    );
    return { status: 200, body: { EventSourceMappings: wanted.map(([id, each]) => view(id, each)) } };
  }

  function change(id: string, body: string): LambdaAnswer {
    const found = mappings.get(id);
    if (found === undefined) return absent(id);
    const parsed = changeSchema.safeParse(parseJson(body));
    if (!parsed.success) {
      return refusal(
        400,
        'InvalidParameterValueException',
        `The embedded Lambda changes ScalingConfig.MaximumConcurrency alone, from 2 to 1,000: ${describeIssues(parsed.error.issues, 'the body')}`,
      );
    }
    found.setMaximumConcurrency(parsed.data.ScalingConfig.MaximumConcurrency);
    changedAtMs.set(id, clock.now());
    return { status: 202, body: view(id, found) };
  }

  return ({ method, url, body }) => {
    const { pathname, searchParams } = new URL(url, 'http://lambda');
    const path = pathname.replace(/\/$/, '');
    const id = path.startsWith(`${MAPPINGS}/`) ? path.slice(MAPPINGS.length + 1) : undefined;
    if (method === 'GET' && path === MAPPINGS) return list(searchParams);
    if (method === 'GET' && path === ACCOUNT) return accountSettings();
    if (method === 'GET' && id !== undefined) {
      const found = mappings.get(id);
      return found === undefined ? absent(id) : { status: 200, body: view(id, found) };
    }
    if (method === 'PUT' && id !== undefined) return change(id, body);
    return refusal(
      501,
      'NotImplementedException',
      'Of Lambda, event source mappings and account settings are emulated.',
    );
  };
}

function accountSettings(): LambdaAnswer {
  return {
    status: 200,
    body: {
      AccountLimit: {
        ConcurrentExecutions: CONCURRENT_EXECUTIONS,
        UnreservedConcurrentExecutions: CONCURRENT_EXECUTIONS,
      },
    },
  };
}

/** The same mapping has the same id in every run. */
function uuidOf({ model, source }: EventSource): string {
  const hex = createHash('sha256').update(`${model.arn} ${source.queueArn}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

function viewOf(id: string, { model, source }: EventSource, changedAtMs: number): object {
  const { maximumConcurrency, reportBatchItemFailures, enabled } = source;
  return {
    UUID: id,
    BatchSize: source.batchSize,
    MaximumBatchingWindowInSeconds: source.windowSeconds,
    EventSourceArn: source.queueArn,
    FunctionArn: model.arn,
    FunctionResponseTypes: reportBatchItemFailures ? ['ReportBatchItemFailures'] : [],
    LastModified: Math.floor(changedAtMs / 1000),
    State: enabled ? 'Enabled' : 'Disabled',
    StateTransitionReason: 'USER_INITIATED',
    ...(maximumConcurrency === undefined
      ? {}
      : { ScalingConfig: { MaximumConcurrency: maximumConcurrency } }),
  };
}

function absent(id: string): LambdaAnswer {
  return refusal(404, 'ResourceNotFoundException', `There is no event source mapping ${id}.`);
}

function refusal(status: number, error: string, message: string): LambdaAnswer {
  return { status, error, body: { Type: 'User', Message: message } };
}
