// The packaged functions on the embedded cloud, which is built from the packaged template alone.
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type Cloud, startCloud } from '../../../local/cloud.ts';
import { type PackagedWorld, SOURCE_BUCKET } from './end-to-end.ts';
import { faultLines } from './fault-lines.ts';
import type { UnpackedService } from './packaged-service.ts';
import { processEnvironments } from './process-environment.ts';

export interface EmbeddedWorld extends PackagedWorld {
  cloud: Cloud;
  stop(): Promise<void>;
}

/** Processes of one function at once, on two cores. */
const ENVIRONMENTS = 2;

/** @param client script of another runtime client than the project's */
export async function startEmbeddedWorld(service: UnpackedService, client?: string): Promise<EmbeddedWorld> {
  const cloud = await startCloud({
    adjust: (model) => void Object.assign(model, service.model()),
    createEnvironment: processEnvironments(service.functions, client),
    environments: ENVIRONMENTS,
    buckets: [SOURCE_BUCKET],
  });
  const s3 = new S3Client(cloud.clientConfig());
  const sqs = new SQSClient(cloud.clientConfig());
  return {
    cloud,
    api: cloud.endpoints.api,
    s3,
    sqs,
    names: cloud.names,
    queues: cloud.names.queues,
    trigger: (functionName) => cloud.trigger(functionName),
    faults: () => faultLines(cloud.logs()),
    async stop() {
      s3.destroy();
      sqs.destroy();
      await cloud.stop();
    },
  };
}
