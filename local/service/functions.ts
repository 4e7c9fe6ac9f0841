// The functions of serverless.yml: handler, limits, environment, and the events that invoke each of them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../shared/text/parse-json.ts';
import {
  type AsynchronousModel,
  type FunctionModel,
  type HttpRouteModel,
  type ScheduleModel,
  ServiceModelError,
  type SqsSourceModel,
} from './model.ts';

export interface FunctionContext {
  directory: string;
  /** The evaluated defaults for functions in the provider section. */
  provider: Record<string, unknown>;
  deployedName: string;
  arn: string;
  /** Properties of `resources.extensions`, which replace those of the generated resource. */
  extension: Record<string, unknown>;
  /** `provider.httpApi.authorizers`, by name. */
  authorizers: Record<string, unknown>;
}

/** @param raw the function's section, with its intrinsics evaluated */
export function readFunction(
  name: string,
  raw: Record<string, unknown>,
  context: FunctionContext,
): FunctionModel {
  const where = `functions.${name}`;
  const { provider, extension } = context;
  const setting = (ours: string, theirs: string) => extension[theirs] ?? raw[ours] ?? provider[ours];
  const recursiveLoop = String(extension.RecursiveLoop ?? raw.recursiveLoop ?? 'Terminate');
  if (recursiveLoop !== 'Allow' && recursiveLoop !== 'Terminate') {
    throw new ServiceModelError(`${where}.recursiveLoop`, `Allow or Terminate, not ${recursiveLoop}`);
  }
  const role = raw.role;
  const model: FunctionModel = {
    name,
    deployedName: context.deployedName,
    arn: context.arn,
    ...readHandler(String(raw.handler ?? ''), context.directory, where),
    // The defaults of osls.
    timeoutSeconds: Number(setting('timeout', 'Timeout') ?? 6),
    memoryMb: Number(setting('memorySize', 'MemorySize') ?? 1024),
    environment: textValues({ ...asRecord(provider.environment), ...asRecord(raw.environment) }),
    recursiveLoop,
    asynchronous: readAsynchronous(raw, where),
    ...(role === undefined ? {} : { role: String(role) }),
    sqsSources: [],
    schedules: [],
    routes: [],
  };
  const events = raw.events ?? [];
  if (!Array.isArray(events)) throw new ServiceModelError(`${where}.events`, 'a list expected');
  for (const [index, event] of events.entries()) {
    const place = `${where}.events[${index}]`;
    for (const [kind, settings] of Object.entries(asRecord(event))) {
      const at = `${place}.${kind}`;
      if (kind === 'sqs') model.sqsSources.push(readSqsSource(settings, at));
      else if (kind === 'schedule') model.schedules.push(...readSchedules(settings, at));
      else if (kind === 'httpApi') model.routes.push(readRoute(settings, at, context.authorizers));
      else throw new ServiceModelError(at, 'the embedded cloud knows the events sqs, schedule and httpApi');
    }
  }
  return model;
}

/** Bounds and defaults: AWS Lambda, PutFunctionEventInvokeConfig. */
function readAsynchronous(
  { maximumRetryAttempts = 2, maximumEventAge = 21_600 }: Record<string, unknown>,
  where: string,
): AsynchronousModel {
  const bounded = (name: string, value: unknown, least: number, most: number): number => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < least || number > most)
      throw new ServiceModelError(`${where}.${name}`, `${least} to ${most} expected, not ${value}`);
    return number;
  };
  return {
    maximumRetryAttempts: bounded('maximumRetryAttempts', maximumRetryAttempts, 0, 2),
    maximumEventAgeMs: bounded('maximumEventAge', maximumEventAge, 60, 21_600) * 1000,
  };
}

function readHandler(handler: string, directory: string, where: string) {
  const dot = handler.lastIndexOf('.');
  if (dot < 0) throw new ServiceModelError(`${where}.handler`, 'path/to/file.export expected');
  const base = join(directory, handler.slice(0, dot));
  const file = ['.ts', '.mjs', '.js', '.cjs'].map((extension) => base + extension).find(existsSync);
  if (file === undefined)
    throw new ServiceModelError(`${where}.handler`, `there is no ${base}.ts (or .mjs, .js)`);
  return { handlerFile: file, handlerExport: handler.slice(dot + 1) };
}

function readSqsSource(settings: unknown, where: string): SqsSourceModel {
  const given = typeof settings === 'string' ? { arn: settings } : asRecord(settings);
  refuseUnknown(
    given,
    ['arn', 'batchSize', 'enabled', 'maximumBatchingWindow', 'functionResponseType', 'maximumConcurrency'],
    where,
  );
  const batchSize = Number(given.batchSize ?? 10);
  const windowSeconds = Number(given.maximumBatchingWindow ?? 0);
  // Lambda refuses a batch of more than 10 messages without a batching window.
  if (batchSize > 10 && windowSeconds < 1) {
    throw new ServiceModelError(
      where,
      `a batchSize of ${batchSize} needs a maximumBatchingWindow of 1 s or more`,
    );
  }
  return {
    queueArn: String(given.arn),
    batchSize,
    windowSeconds,
    ...(given.maximumConcurrency === undefined
      ? {}
      : { maximumConcurrency: Number(given.maximumConcurrency) }),
    reportBatchItemFailures: given.functionResponseType === 'ReportBatchItemFailures',
    enabled: String(given.enabled ?? true) === 'true',
  };
}

const unitMs: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

function readSchedules(settings: unknown, where: string): ScheduleModel[] {
  const given = typeof settings === 'string' ? { rate: [settings] } : asRecord(settings);
  refuseUnknown(given, ['rate', 'enabled', 'name', 'description', 'input', 'method'], where);
  const rates = Array.isArray(given.rate) ? given.rate : [given.rate];
  return rates.map((rate) => {
    const match = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(String(rate));
    const unit = unitMs[match?.[2] ?? ''];
    if (match === null || unit === undefined) {
      throw new ServiceModelError(
        where,
        `the embedded cloud knows rate(…) of minutes, hours or days, not ${rate}`,
      );
    }
    return {
      everyMs: Number(match[1]) * unit,
      enabled: String(given.enabled ?? true) === 'true',
      ...(given.input === undefined ? {} : { input: given.input }),
    };
  });
}

function readRoute(settings: unknown, where: string, authorizers: Record<string, unknown>): HttpRouteModel {
  if (settings === '*') return { method: '*', path: '*', authorizer: { kind: 'none' } };
  const text = typeof settings === 'string' ? /^(\S+)\s+(\S+)$/.exec(settings) : undefined;
  if (text === null) throw new ServiceModelError(where, `"METHOD /path" expected, not ${settings}`);
  const given = text === undefined ? asRecord(settings) : { method: text[1], path: text[2] };
  const method = String(given.method ?? '*').toUpperCase();
  return {
    method: method === 'ANY' ? '*' : method,
    path: String(given.path),
    authorizer: readAuthorizer(given.authorizer, where, authorizers),
  };
}

function readAuthorizer(
  authorizer: unknown,
  where: string,
  authorizers: Record<string, unknown>,
): HttpRouteModel['authorizer'] {
  if (authorizer === undefined) return { kind: 'none' };
  if (isRecord(authorizer) && authorizer.type === 'aws_iam') return { kind: 'aws_iam' };
  const named = isRecord(authorizer) ? authorizers[String(authorizer.name)] : undefined;
  if (isRecord(named) && named.type === 'jwt') {
    const { audience } = named;
    const audiences = (Array.isArray(audience) ? audience : [audience]).map(String);
    const scopes =
      isRecord(authorizer) && Array.isArray(authorizer.scopes) ? authorizer.scopes.map(String) : [];
    return { kind: 'jwt', issuer: String(named.issuerUrl), audiences, scopes };
  }
  throw new ServiceModelError(
    `${where}.authorizer`,
    'the embedded cloud knows aws_iam, and authorizers of type jwt in provider.httpApi.authorizers',
  );
}

function refuseUnknown(given: Record<string, unknown>, known: string[], where: string): void {
  for (const name of Object.keys(given)) {
    if (!known.includes(name))
      throw new ServiceModelError(`${where}.${name}`, 'the embedded cloud does not know this');
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function textValues(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
