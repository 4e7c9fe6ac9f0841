// The embedded cloud: reads serverless.yml and runs the real handlers on emulated AWS services, all on one machine.
//
//   serverless.yml -> ServiceModel -> emulators (S3, SQS, DynamoDB, EventBridge; off this event loop)
//                                  -> Lambda: environments, event sources, schedules, HTTP API
import type { WebOverride } from '../shared/sources/https/client.ts';
import { systemClock } from '../shared/time/clock.ts';
import { createRandom } from '../shared/time/random.ts';
import {
  type BucketOptions,
  type Emulators,
  type Fidelity,
  type QueueDepth,
  startEmulators,
  takenPort,
} from './aws/emulators.ts';
import type { EventBridgeEntry } from './aws/eventbridge/event-bus.ts';
import type { S3Limit } from './aws/s3/s3-limits.ts';
import { type Fault, isLambdaFault } from './faults/fault.ts';
import { createLambdaFaults } from './faults/lambda.ts';
import { createGuard } from './guard/admission.ts';
import type { CrashReport } from './lambda/crash-orders.ts';
import type { CreateEnvironment } from './lambda/environment.ts';
import { createEventSourceApi, eventSourcesOf } from './lambda/event-source-api.ts';
import { startEventSources } from './lambda/event-sources.ts';
import { createLambdaHost, type InvokeResult } from './lambda/host.ts';
import { type PageHandler, startHttpApi } from './lambda/http-api.ts';
import type { IamCallers } from './lambda/http-authorizers.ts';
import { createFunctionLogs, type MetricSums } from './lambda/logs.ts';
import type { Death } from './lambda/protocol.ts';
import { nextTraceHeader } from './lambda/recursion.ts';
import { startSchedules } from './lambda/schedule.ts';
import type { EventSourceCounts } from './lambda/sqs-event-source.ts';
import type { FunctionUsage } from './lambda/usage.ts';
import { environmentVariables, LOCAL_CREDENTIALS } from './lambda/variables.ts';
import type { WriteStub } from './lambda/write-stub.ts';
import type { Latencies } from './meter/latencies.ts';
import type { MeterReading } from './meter/meter-reading.ts';
import { type CloudNames, depthsByLogicalId, emulatorsOptions, namesOf } from './service/emulated.ts';
import type { ServiceModel } from './service/model.ts';
import { readService, SERVICE_FILE } from './service/read-service.ts';

export interface CloudOptions {
  /** 0, the default: any free port. */
  ports?: { aws?: number; dynamodb?: number; api?: number };
  /** Default: the project's own serverless.yml. */
  serviceFile?: string;
  /** Serverless params (sourceBuckets, maximumConcurrency …). */
  params?: Record<string, string>;
  /** Execution environments of one function at once on this machine. */
  environments?: number;
  /** Throttling of every bucket but the inbox and the reports; absent: none. */
  limit?: S3Limit;
  /** How long the functions wait for answers of AWS's services; absent: as long as this machine takes. */
  latencies?: Latencies;
  /** Changes the model before anything is made of it: shorter timeouts, visibility, schedules … */
  adjust?: (service: ServiceModel) => void;
  /** How awkward the cloud is, on by default; `{ shuffleWindow: 0, duplicateShare: 0, unevenBatches: false }` is tame. */
  fidelity?: Fidelity & { unevenBatches?: boolean };
  seed?: number;
  /** Who passes the API's IAM authorizer. Default: any caller, so that curl needs no signature. */
  iamCallers?: IamCallers;
  /** Names beside those of loopback by which its servers may be called, as `parseAllowedHost` gives them. */
  allowedHosts?: readonly string[];
  /** Further buckets to create; one that is only named is throttled like the destination. */
  buckets?: (string | BucketOptions)[];
  /** Web hosts that the functions reach on this machine, under the names that manifests give them. A deployment has none. */
  web?: WebOverride;
  /** Destination writes that upload answers itself, storing nothing: for runs of a million rows. A deployment has none. */
  writes?: WriteStub;
  /**
   * Runs the functions as they are packaged, not their sources: they start several times as fast. Where the disk takes no
   * bundles, the sources run. `web` and `writes` need the sources.
   */
  bundled?: boolean;
  /** How the functions' execution environments are made. Default: worker threads that run the sources. */
  createEnvironment?: CreateEnvironment;
  /** Takes the functions' log lines; a bounded number is kept in any case. */
  log?: (line: string, functionName: string) => void;
}

export interface Cloud extends Pick<Emulators, 'access' | 'deliver' | 'faultCounts' | 'outage'> {
  service: ServiceModel;
  /** http://127.0.0.1:PORT */
  endpoints: { aws: string; dynamodb: string; api: string };
  names: CloudNames;
  /** For clients of S3, SQS and EventBridge. */
  clientConfig(): ClientConfig;
  dynamodbClientConfig(): ClientConfig;
  meter(): Promise<CloudMeterReading>;
  /** Sums of the metrics that the functions logged, by name. */
  metrics(): MetricSums;
  metricsOf(functionName: string): MetricSums;
  /** Bytes that the functions logged, metrics included: what CloudWatch Logs would take in. */
  logBytes(): number;
  /** The last log lines. */
  logs(): { functionName: string; line: string }[];
  events(): EventBridgeEntry[];
  /** The function's answer; a failed invocation throws an error with Lambda's error type as its name. */
  invoke(functionName: string, payload: unknown): Promise<unknown>;
  /** Runs a scheduled function at once. */
  trigger(functionName: string): Promise<unknown>;
  /** By logical id. */
  queueDepths(): Promise<Record<string, QueueDepth>>;
  /** Has the next invocations of a function die at a request that they make; resolves when the last of them has ended. */
  crash(functionName: string, order: Death & { times?: number }): Promise<CrashReport>;
  /** Invocations that died so or by a fault, by function. */
  crashes(): Record<string, number>;
  /** Deploys the functions under what runs: `change` gives their models other code, variables or limits. */
  redeploy(change: (functions: ServiceModel['functions']) => void): Promise<void>;
  /** Replaces the armed faults. */
  setFaults(faults: Fault[]): Promise<void>;
  /** By function, in the order of its event sources. */
  eventSources(): Record<string, EventSourceCounts[]>;
  /** Adds a page to the API's port. */
  serve(path: string, handler: PageHandler): void;
  stop(): Promise<void>;
}

export interface ClientConfig {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

export interface CloudMeterReading extends MeterReading {
  lambda: Record<string /* function */, FunctionUsage>;
}

/** On two cores more environments of one function only take turns. */
const ENVIRONMENTS = 4;
const SEED = 1;
/** Beside the emulators' own generators, which are seeded with the numbers after the seed. */
const LAMBDA_FAULTS_SEED = 100;
/** SQS promises neither order nor once-only delivery, and Lambda's batches are seldom full: so neither does the cloud. */
const FIDELITY = { shuffleWindow: 500, duplicateShare: 0.001, unevenBatches: true };
/** Events of the bus that are kept. */
const EVENTS_KEPT = 10_000;

export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const serviceFile = options.serviceFile ?? SERVICE_FILE;
  const service = await readService(serviceFile, options);
  options.adjust?.(service);
  const fidelity = { ...FIDELITY, ...options.fidelity };
  const seed = options.seed ?? SEED;
  const random = createRandom(seed);
  const clock = systemClock;
  const { region, accountId, functions, queues } = service;
  const logs = createFunctionLogs(options.log === undefined ? {} : { sink: options.log });
  const log = logs.writer('cloud');
  const note = (line: string) => log(`${line}\n`);

  /** What has started, to be stopped in groups: the last group first. */
  const started: (() => Promise<void>)[][] = [];
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopAll(started);
    return stopping;
  };

  try {
    const bundling = options.bundled === true ? bundle(serviceFile, functions, note) : undefined;
    if (bundling !== undefined) started.push([async () => (await bundling)()]);
    const emulators = await startEmulators(emulatorsOptions(service, { ...options, seed, fidelity }));
    started.push([() => emulators.stop()]);
    await bundling;
    const queueUrls = new Map<string, string>();
    for (const queue of Object.values(queues)) {
      const url = emulators.queueUrl(queue.name);
      queueUrls.set(queue.url, url);
      queue.url = url;
    }
    const events: EventBridgeEntry[] = [];
    emulators.onEvent((entry) => {
      events.push(entry);
      if (events.length > EVENTS_KEPT) events.shift();
    });

    const place = { endpoints: emulators.endpoints, region, directory: service.directory, queueUrls };
    const lambdaFaults = createLambdaFaults(createRandom(seed + LAMBDA_FAULTS_SEED));
    const host = createLambdaHost({ clock, logs, faults: lambdaFaults }, functions, {
      environments: options.environments ?? ENVIRONMENTS,
      variables: (model) => environmentVariables(model, place),
      web: options.web,
      writes: options.writes,
      createEnvironment: options.createEnvironment,
    });
    started.push([() => host.stop()]);
    const guard = createGuard(options);
    guard.addOwnPorts(Object.values(emulators.endpoints).map(portOf));
    const api = await startHttpApi({ clock, random, guard, host, log: note }, functions, {
      port: options.ports?.api ?? 0,
      accountId,
      region,
      throttling: service.throttling,
      iamCallers: options.iamCallers,
    });
    const schedules = startSchedules({ clock, random, host }, functions, service);
    const sources = startEventSources({ clock, random, host, log: note }, service, {
      endpoint: emulators.endpoints.aws,
      unevenBatches: fidelity.unevenBatches,
    });
    emulators.onLambdaCall(createEventSourceApi({ clock }, eventSourcesOf(functions, sources.byFunction)));
    // In one group with the host, which ends the invocations that the others wait for.
    started.at(-1)?.push(
      () => api.stop(),
      () => schedules.stop(),
      ...sources.stops,
    );
    await emulators.addOwnPort(portOf(api.endpoint));

    const config = (endpoint: string): ClientConfig => ({ endpoint, region, credentials: LOCAL_CREDENTIALS });
    return {
      service,
      endpoints: { ...emulators.endpoints, api: api.endpoint },
      names: namesOf(service),
      clientConfig: () => config(emulators.endpoints.aws),
      dynamodbClientConfig: () => config(emulators.endpoints.dynamodb),
      meter: async () => ({ ...(await emulators.meter()), lambda: host.usage() }),
      deliver: (delivery) => emulators.deliver(delivery),
      access: () => emulators.access(),
      metrics: () => logs.metrics(),
      metricsOf: (functionName) => logs.metricsOf(functionName),
      logBytes: () => logs.bytes(),
      logs: () => logs.lines(),
      events: () => [...events],
      invoke: async (functionName, payload) => {
        const trace = nextTraceHeader(random, functions[functionName]?.arn ?? functionName);
        return answerOf(await host.invoke(functionName, JSON.stringify(payload) ?? 'null', trace));
      },
      trigger: async (functionName) => answerOf(await schedules.trigger(functionName)),
      queueDepths: () => depthsByLogicalId(service, emulators),
      crash: (functionName, { times = 1, ...point }) => host.crashes.order(functionName, point, times),
      crashes: () => host.crashes.counts(),
      async redeploy(change) {
        change(functions);
        await host.redeploy();
      },
      async setFaults(faults) {
        lambdaFaults.arm(faults.filter(isLambdaFault));
        await emulators.setFaults(faults);
      },
      faultCounts: async () => ({
        ...(await emulators.faultCounts()),
        ...lambdaFaults.counts(),
        ...Object.fromEntries(
          Object.entries(host.crashes.counts()).map(([name, died]) => [`lambda-death-${name}`, died]),
        ),
      }),
      outage: (service, lastsMs) => emulators.outage(service, lastsMs),
      eventSources: () =>
        Object.fromEntries(
          [...sources.byFunction].map(([name, list]) => [name, list.map((source) => source.counts())]),
        ),
      serve: (path, handler) => api.serve(path, handler),
      stop,
    };
  } catch (error) {
    await stop().catch(() => undefined);
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw isTaken ? takenPort(error, 'the API', options.ports?.api) : error;
  }
}

/** @returns removes the bundles */
async function bundle(
  serviceFile: string,
  functions: ServiceModel['functions'],
  note: (line: string) => void,
): Promise<() => Promise<void>> {
  // Loaded only where it is asked for.
  const { bundleFunctions } = await import('./service/bundle.ts');
  try {
    return await bundleFunctions(serviceFile, functions);
  } catch (error) {
    note(JSON.stringify({ level: 'WARN', message: 'The functions run as sources', detail: String(error) }));
    return async () => undefined;
  }
}

/** The group that started last is stopped first; what fails to stop does not keep the rest running. */
async function stopAll(groups: (() => Promise<void>)[][]): Promise<void> {
  const failures: unknown[] = [];
  for (const group of groups.reverse()) {
    const outcomes = await Promise.allSettled(group.map((stop) => stop()));
    failures.push(...outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : [])));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the embedded cloud did not stop cleanly');
}

function portOf(endpoint: string): number {
  return Number(new URL(endpoint).port);
}

function answerOf(result: InvokeResult): unknown {
  if (result.kind === 'answered') return JSON.parse(result.payload);
  throw Object.assign(new Error(result.error.errorMessage), { name: result.error.errorType });
}
