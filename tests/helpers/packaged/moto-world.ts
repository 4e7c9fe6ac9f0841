// The packaged functions on moto: its S3, SQS, DynamoDB and EventBridge, with the resources that its CloudFormation made of the packaged
// template. Lambda and API Gateway are those of the embedded cloud, since moto runs functions in Docker alone.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createLambdaFaults } from '../../../local/faults/lambda.ts';
import { createGuard } from '../../../local/guard/admission.ts';
import { createLambdaHost } from '../../../local/lambda/host.ts';
import { startHttpApi } from '../../../local/lambda/http-api.ts';
import { createFunctionLogs } from '../../../local/lambda/logs.ts';
import { startSchedules } from '../../../local/lambda/schedule.ts';
import { createQueueClient } from '../../../local/lambda/sqs-client.ts';
import { startSqsEventSource } from '../../../local/lambda/sqs-event-source.ts';
import { environmentVariables } from '../../../local/lambda/variables.ts';
import { namesOf, queueUrlsOf } from '../../../local/service/emulated.ts';
import type { ServiceModel } from '../../../local/service/model.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import { createRandom } from '../../../shared/time/random.ts';
import { type PackagedWorld, SOURCE_BUCKET } from './end-to-end.ts';
import { faultLines } from './fault-lines.ts';
import { MOTO_ACCOUNT_ID, startMoto } from './moto.ts';
import { deployToMoto, type MotoDeployment } from './moto-deployment.ts';
import { completeNotifications } from './moto-notifications.ts';
import type { UnpackedService } from './packaged-service.ts';
import { processEnvironments } from './process-environment.ts';

export interface MotoWorld extends PackagedWorld {
  deployment: MotoDeployment;
  stop(): Promise<void>;
}

const SEED = 1;
/** Processes of one function at once, on two cores. */
const ENVIRONMENTS = 2;

export async function startMotoWorld(service: UnpackedService, client?: string): Promise<MotoWorld> {
  const moto = await startMoto();
  /** What has started, to be stopped in groups: the last group first. */
  const started: (() => Promise<void>)[][] = [[() => moto.stop()]];
  const stop = async () => {
    for (const group of started.splice(0).reverse()) await Promise.all(group.map((end) => end()));
  };
  try {
    const model = service.model(MOTO_ACCOUNT_ID);
    const deployment = await deployToMoto(moto, service, model);
    const queueUrls = readdress(model, moto.endpoint);
    takeSettings(model, deployment);

    const random = createRandom(SEED);
    const logs = createFunctionLogs();
    const { region, accountId, functions, directory } = model;
    const endpoints = { aws: moto.endpoint, dynamodb: moto.endpoint };
    const log = (line: string) => logs.writer('cloud')(`${line}\n`);
    const clock = systemClock;
    const host = createLambdaHost({ clock, logs, faults: createLambdaFaults(random) }, functions, {
      environments: ENVIRONMENTS,
      variables: (each) => environmentVariables(each, { endpoints, region, directory, queueUrls }),
      createEnvironment: processEnvironments(service.functions, client),
    });
    started.push([() => host.stop()]);
    const api = await startHttpApi({ clock, random, guard: createGuard(), host, log }, functions, {
      accountId,
      region,
    });
    const schedules = startSchedules({ clock, random, host }, functions, model);
    const s3 = new S3Client(moto.clientConfig);
    const sqs = new SQSClient(moto.clientConfig);
    const bare = createQueueClient({ endpoint: moto.endpoint, region, accessKeyId: 'local' });
    const queue = completeNotifications(bare, s3);
    const sources = Object.values(functions).flatMap((each) =>
      each.sqsSources.map((source) =>
        startSqsEventSource(
          { clock, random, host, queue, log },
          { model: each, source, ...queueUrlsOf(model, source.queueArn), region, unevenBatches: false },
        ),
      ),
    );
    // In one group with the host, which ends the invocations that the others wait for.
    started.at(-1)?.push(
      () => api.stop(),
      () => schedules.stop(),
      ...sources.map((source) => () => source.stop()),
      async () => {
        queue.close();
        s3.destroy();
        sqs.destroy();
      },
    );
    await s3.send(new CreateBucketCommand({ Bucket: SOURCE_BUCKET }));
    const names = namesOf(model);
    return {
      deployment,
      api: api.endpoint,
      s3,
      sqs,
      names,
      queues: names.queues,
      trigger: (functionName) => triggered(schedules.trigger(functionName)),
      faults: () => faultLines(logs.lines()),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @returns queue URLs at AWS, as the template has them -> those of moto */
function readdress({ queues }: ServiceModel, endpoint: string): Map<string, string> {
  const urls = new Map<string, string>();
  for (const queue of Object.values(queues)) {
    const url = `${endpoint}${new URL(queue.url).pathname}`;
    urls.set(queue.url, url);
    queue.url = url;
  }
  return urls;
}

/** The functions run with what moto's Lambda holds, which its CloudFormation resolved by itself. */
function takeSettings({ functions }: ServiceModel, deployment: MotoDeployment): void {
  for (const each of Object.values(functions)) {
    const deployed = deployment.functions[each.deployedName];
    if (deployed === undefined) throw new Error(`moto has no function ${each.deployedName}`);
    each.environment = deployed.Environment.Variables;
    each.timeoutSeconds = deployed.Timeout;
    each.memoryMb = deployed.MemorySize;
  }
}

async function triggered(result: ReturnType<ReturnType<typeof startSchedules>['trigger']>): Promise<unknown> {
  const outcome = await result;
  if (outcome.kind === 'failed') throw new Error(`${outcome.error.errorType}: ${outcome.error.errorMessage}`);
  return JSON.parse(outcome.payload);
}
