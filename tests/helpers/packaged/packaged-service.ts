// The packaged service as Lambda would have it: each zip unpacked into a folder of its own, and a service model that is read from
// the packaged CloudFormation template alone.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readFunction } from '../../../local/service/functions.ts';
import { evaluate } from '../../../local/service/intrinsics.ts';
import type { FunctionModel, ServiceModel } from '../../../local/service/model.ts';
import { throttlingOf } from '../../../local/service/read-service.ts';
import { readResources } from '../../../local/service/resources.ts';
import { createScope, type Identity, LOCAL_ACCOUNT_ID } from '../../../local/service/template.ts';
import { type PackagedService, packageService, type Resource } from '../package-service.ts';
import { zipEntries } from '../zip.ts';
import type { UnpackedFunction } from './process-environment.ts';

export interface UnpackedService extends PackagedService {
  /** By deployed names. */
  functions: Record<string, UnpackedFunction>;
  /** A new model, of the template in this account. */
  model(accountId?: string): ServiceModel;
}

/** What osls names so by default. */
const PLACE = { stackName: 'spillway-dev', region: 'us-east-1' };

export async function unpackService(params: Record<string, string>): Promise<UnpackedService> {
  const packaged = await packageService(params);
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'spillway-task-')));
  const remove = async () => {
    await rm(folder, { recursive: true, force: true });
    await packaged.remove();
  };
  try {
    refuseModulesAbove(folder);
    const resources = packaged.template.Resources;
    const functions: Record<string, UnpackedFunction> = {};
    for (const [id, { Properties }] of ofType(resources, 'AWS::Lambda::Function')) {
      const taskRoot = path.join(folder, nameOf(id));
      functions[String(Properties['FunctionName'])] = { taskRoot, handler: String(Properties['Handler']) };
      await unzip(await packaged.readZip(nameOf(id)), taskRoot);
    }
    const rootOf = (deployedName: string) => functions[deployedName]?.taskRoot ?? folder;
    return {
      ...packaged,
      functions,
      model: (accountId = LOCAL_ACCOUNT_ID) => readModel(resources, rootOf, { ...PLACE, accountId }),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A package that lacks a module must not find it above its folder: on Lambda nothing is there. */
function refuseModulesAbove(folder: string): void {
  for (let at = folder; at !== path.dirname(at); at = path.dirname(at)) {
    const modules = path.join(at, 'node_modules');
    if (existsSync(modules)) {
      throw new Error(`${modules} would lend its packages to the functions: choose another folder by TMPDIR`);
    }
  }
}

async function unzip(zip: Buffer, folder: string): Promise<void> {
  for (const { name, read } of zipEntries(zip)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, read());
  }
}

/** IngestLambdaFunction -> ingest, as its zip is called. */
function nameOf(logicalId: string): string {
  const name = logicalId.replace(/LambdaFunction$/, '');
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function ofType(resources: Record<string, Resource>, type: string): [string, Resource][] {
  return Object.entries(resources).filter(([, { Type }]) => Type === type);
}

function readModel(
  resources: Record<string, Resource>,
  rootOf: (deployedName: string) => string,
  identity: Identity,
): ServiceModel {
  const template = { resources, extensions: {}, conditions: {}, parameters: {} };
  const lambdas = ofType(resources, 'AWS::Lambda::Function');
  const deployedNames = Object.fromEntries(
    lambdas.map(([id, { Properties }]) => [id, String(Properties['FunctionName'])]),
  );
  const scope = createScope(template, identity, deployedNames);
  /** Everything of a type, by logical id, with its intrinsics evaluated. */
  const evaluated = (type: string): [string, Record<string, unknown>][] =>
    ofType(resources, type).map(([id, { Properties }]) => [
      id,
      evaluate(Properties, `Resources.${id}.Properties`, scope) as Record<string, unknown>,
    ]);
  const events = eventsByArn(evaluated, scope.nameOf);
  const functions = evaluated('AWS::Lambda::Function').map(([id, properties]): [string, FunctionModel] => {
    const arn = scope.arnOf(id) ?? '';
    const deployedName = deployedNames[id] ?? '';
    const raw = {
      handler: properties['Handler'],
      timeout: properties['Timeout'],
      memorySize: properties['MemorySize'],
      environment: (properties['Environment'] as { Variables?: unknown } | undefined)?.Variables,
      recursiveLoop: properties['RecursiveLoop'] ?? 'Terminate',
      role: roleIn(resources[id]?.Properties['Role']),
      events: events.get(arn) ?? [],
    };
    const context = {
      directory: rootOf(deployedName),
      provider: {},
      deployedName,
      arn,
      extension: {},
      authorizers: {},
    };
    return [nameOf(id), readFunction(nameOf(id), raw, context)];
  });
  return {
    ...identity,
    directory: rootOf(''),
    functions: Object.fromEntries(functions),
    ...throttlingOf(evaluated('AWS::ApiGatewayV2::Stage')[0]?.[1] ?? {}),
    ...readResources(template, scope),
  };
}

/** The events of each function, by its ARN, in the form of serverless.yml. */
function eventsByArn(
  evaluated: (type: string) => [string, Record<string, unknown>][],
  resourceName: (logicalId: string) => string,
): Map<string, object[]> {
  const found = new Map<string, object[]>();
  const add = (arn: unknown, event: object) =>
    found.set(String(arn), [...(found.get(String(arn)) ?? []), event]);

  for (const [, mapping] of evaluated('AWS::Lambda::EventSourceMapping')) {
    const scaling = mapping['ScalingConfig'] as { MaximumConcurrency?: number } | undefined;
    const sqs = {
      arn: mapping['EventSourceArn'],
      batchSize: mapping['BatchSize'],
      maximumBatchingWindow: mapping['MaximumBatchingWindowInSeconds'],
      maximumConcurrency: scaling?.MaximumConcurrency,
      functionResponseType: (mapping['FunctionResponseTypes'] as string[] | undefined)?.[0],
      enabled: mapping['Enabled'],
    };
    add(mapping['FunctionName'], { sqs });
  }
  for (const [, rule] of evaluated('AWS::Events::Rule')) {
    const schedule = { rate: rule['ScheduleExpression'], enabled: rule['State'] === 'ENABLED' };
    for (const { Arn } of rule['Targets'] as { Arn: string }[]) add(Arn, { schedule });
  }
  const integrations = new Map(
    evaluated('AWS::ApiGatewayV2::Integration').map(([id, { IntegrationUri }]) => [
      `integrations/${resourceName(id)}`,
      IntegrationUri,
    ]),
  );
  for (const [, route] of evaluated('AWS::ApiGatewayV2::Route')) {
    const [method, place] = String(route['RouteKey']).split(' ');
    const isIam = route['AuthorizationType'] === 'AWS_IAM';
    const httpApi = { method, path: place, ...(isIam ? { authorizer: { type: 'aws_iam' } } : {}) };
    add(integrations.get(String(route['Target'])), { httpApi });
  }
  return found;
}

/** The logical id in Fn::GetAtt [id, Arn]. */
function roleIn(role: unknown): string | undefined {
  const target = (role as { 'Fn::GetAtt'?: unknown } | undefined)?.['Fn::GetAtt'];
  return Array.isArray(target) ? String(target[0]) : undefined;
}
