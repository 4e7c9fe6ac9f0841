// Reads serverless.yml and makes the service model of it.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../shared/text/parse-json.ts';
import { readFunction } from './functions.ts';
import { evaluate } from './intrinsics.ts';
import { type ServiceModel, ServiceModelError } from './model.ts';
import { readConfiguration } from './read-configuration.ts';
import { readResources } from './resources.ts';
import {
  collectTemplate,
  createScope,
  functionLogicalId,
  type Identity,
  LOCAL_ACCOUNT_ID,
} from './template.ts';

/** The project's own serverless.yml. */
export const SERVICE_FILE = fileURLToPath(new URL('../../serverless.yml', import.meta.url));

export interface ReadServiceOptions {
  /** Parameters as `serverless --param` takes them. */
  params?: Record<string, string>;
  stage?: string;
}

/** @throws ServiceModelError with the place of anything that the embedded cloud does not support */
export async function readService(path: string, options: ReadServiceOptions = {}): Promise<ServiceModel> {
  const configuration = await readConfiguration(path, options.params, options.stage);
  const provider = configuration.provider ?? {};
  const stage = options.stage ?? String(provider.stage ?? 'dev');
  const identity: Identity = {
    stackName: String(provider.stackName ?? `${configuration.service}-${stage}`),
    region: String(provider.region ?? 'us-east-1'),
    accountId: LOCAL_ACCOUNT_ID,
  };
  const rawFunctions = collectFunctions(configuration.functions);
  const template = collectTemplate(configuration);
  const deployedNames = Object.fromEntries(
    Object.entries(rawFunctions).map(([name, raw]) => [
      functionLogicalId(name),
      String(raw.name ?? `${configuration.service}-${stage}-${name}`),
    ]),
  );
  const scope = createScope(template, identity, deployedNames);
  const defaults = {
    environment: evaluate(provider.environment ?? {}, 'provider.environment', scope),
    timeout: provider.timeout,
    memorySize: provider.memorySize,
  };
  const { httpApi } = provider;
  const functions = Object.entries(rawFunctions).map(([name, raw]) => {
    const logicalId = functionLogicalId(name);
    // The other settings of a function (tags, layers …) matter only on AWS, so they are not evaluated.
    const { handler, timeout, memorySize, environment, events, recursiveLoop } = raw;
    const wanted = { handler, timeout, memorySize, environment, events, recursiveLoop };
    const evaluated = evaluate(wanted, `functions.${name}`, scope) as object;
    const model = readFunction(
      name,
      { ...evaluated, role: roleOf(raw.role) },
      {
        directory: dirname(resolve(path)),
        provider: defaults,
        deployedName: deployedNames[logicalId] ?? name,
        arn: scope.arnOf(logicalId) ?? '',
        extension: template.extensions[logicalId] ?? {},
        authorizers: isRecord(httpApi) && isRecord(httpApi.authorizers) ? httpApi.authorizers : {},
      },
    );
    return [name, model] as const;
  });
  const model: ServiceModel = {
    ...identity,
    directory: dirname(resolve(path)),
    functions: Object.fromEntries(functions),
    ...readResources(template, scope),
    ...throttlingOf(template.extensions['HttpApiStage'] ?? {}),
  };
  checkSources(model);
  return model;
}

export function throttlingOf({
  DefaultRouteSettings: settings,
}: Record<string, unknown>): Pick<ServiceModel, 'throttling'> {
  if (!isRecord(settings)) return {};
  const ratePerSecond = Number(settings.ThrottlingRateLimit);
  const burst = Number(settings.ThrottlingBurstLimit);
  if (!(ratePerSecond > 0 && burst >= 1)) {
    throw new ServiceModelError(
      'resources.extensions.HttpApiStage.DefaultRouteSettings',
      'ThrottlingRateLimit and ThrottlingBurstLimit expected, both above 0',
    );
  }
  return { throttling: { ratePerSecond, burst } };
}

function collectFunctions(section: unknown): Record<string, Record<string, unknown>> {
  const parts = Array.isArray(section) ? section : [section ?? {}];
  const functions: Record<string, Record<string, unknown>> = {};
  for (const part of parts) {
    for (const [name, raw] of Object.entries(part ?? {})) {
      if (!isRecord(raw)) throw new ServiceModelError(`functions.${name}`, 'a map expected');
      functions[name] = raw;
    }
  }
  return functions;
}

/** A role is a logical id, Fn::GetAtt [id, Arn], or an ARN. */
function roleOf(role: unknown): string | undefined {
  if (!isRecord(role)) return role === undefined ? undefined : String(role);
  const target = role['Fn::GetAtt'] ?? role.Ref;
  return Array.isArray(target)
    ? String(target[0])
    : target === undefined
      ? undefined
      : String(target).split('.')[0];
}

function checkSources(model: ServiceModel): void {
  const queues = new Map(Object.values(model.queues).map((queue) => [queue.arn, queue]));
  for (const { name, sqsSources, timeoutSeconds } of Object.values(model.functions)) {
    for (const source of sqsSources) {
      const queue = queues.get(source.queueArn);
      const where = `functions.${name}.events`;
      if (queue === undefined)
        throw new ServiceModelError(where, `the template has no queue ${source.queueArn}`);
      // Lambda refuses to create such a mapping.
      if (Number(queue.attributes.VisibilityTimeout ?? 30) < timeoutSeconds) {
        throw new ServiceModelError(
          where,
          `the visibility timeout of ${queue.name} is shorter than the function's timeout of ${timeoutSeconds} s`,
        );
      }
    }
  }
}
