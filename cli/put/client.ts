// The S3 client of `put`: its connections are the user's choice, and their number may change while it runs.
import type { Agent } from 'node:http';
import type { S3Client } from '@aws-sdk/client-s3';
import { createUplinkClient } from '../../shared/aws/clients.ts';
import { openS3 } from '../s3/open.ts';

export interface ClientOptions {
  endpointUrl?: string;
  concurrency: number;
}

export function createPutClient({ endpointUrl, concurrency }: ClientOptions): Promise<S3Client> {
  return openS3(endpointUrl, (config, connection) => createUplinkClient(config, concurrency, connection));
}

/** Keeps at most so many connections from now on, and closes idle ones unless that is more: they hold descriptors. */
export function limitSockets(s3: S3Client, most: number): void {
  const handler = s3.config.requestHandler as { httpHandlerConfigs?(): object };
  const { httpAgent, httpsAgent } = (handler.httpHandlerConfigs?.() ?? {}) as Record<string, unknown>;
  for (const agent of [httpAgent, httpsAgent]) {
    if (!isAgent(agent)) continue;
    const isMore = most > agent.maxSockets;
    agent.maxSockets = most;
    if (isMore) continue;
    for (const idle of Object.values(agent.freeSockets).flat()) idle?.destroy();
  }
}

/** https.Agent is one as well. By what it has: to import node:http as a module loads fetch and all, 40 ms of every start. */
function isAgent(agent: unknown): agent is Agent {
  return typeof agent === 'object' && agent !== null && 'maxSockets' in agent && 'freeSockets' in agent;
}
