// The embedded cloud on the small fixture service, with what its tests ask again and again.
import { fileURLToPath } from 'node:url';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type Cloud, type CloudOptions, startCloud } from '../../local/cloud.ts';
import type { Order } from '../integration/fixtures/service/functions/obey.ts';

export const FIXTURE_SERVICE = fileURLToPath(
  new URL('../integration/fixtures/service/serverless.yml', import.meta.url),
);

/** In order, once, and full batches: what is awkward is tested where it is switched on. */
const TAME = { shuffleWindow: 0, duplicateShare: 0, unevenBatches: false };

export interface FixtureCloud extends Cloud {
  /** Sends bodies to the queue of this logical id, ten at a time. */
  send(queue: string, bodies: string[]): Promise<void>;
  order(queue: string, ...orders: Order[]): Promise<void>;
  /** What a function logged as JSON, in its order. */
  logged<T>(functionName: string): T[];
}

export async function startFixtureCloud(options: CloudOptions = {}): Promise<FixtureCloud> {
  const cloud = await startCloud({ serviceFile: FIXTURE_SERVICE, fidelity: TAME, ...options });
  const sqs = new SQSClient(cloud.clientConfig());
  const send = async (queue: string, bodies: string[]) => {
    for (let at = 0; at < bodies.length; at += 10) {
      const Entries = bodies
        .slice(at, at + 10)
        .map((body, index) => ({ Id: String(index), MessageBody: body }));
      await sqs.send(new SendMessageBatchCommand({ QueueUrl: cloud.names.queues[queue], Entries }));
    }
  };
  return {
    ...cloud,
    send,
    order: (queue, ...orders) =>
      send(
        queue,
        orders.map((each) => JSON.stringify(each)),
      ),
    logged: <T>(functionName: string) =>
      cloud
        .logs()
        .filter((entry) => entry.functionName === functionName && entry.line.startsWith('{'))
        .map(({ line }) => JSON.parse(line) as T),
    async stop() {
      sqs.destroy();
      await cloud.stop();
    },
  };
}
