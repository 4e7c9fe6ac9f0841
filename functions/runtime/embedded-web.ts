// Where the embedded cloud has web hosts reached, for tests on one machine: at a port of loopback, with a certificate of its own.
//
// This is data that a thread was given by the code that runs it. It is no environment variable, and nothing that a template
// holds can set it. Lambda runs a function in its process's main thread, where it is not looked at.
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import type { WebOverride } from '../../shared/sources/https/client.ts';

const KEY = 'spillway: embedded web hosts';

/** For the bootstrap of an embedded execution environment, in its thread. */
export function setEmbeddedWeb(web: WebOverride): void {
  setEnvironmentData(KEY, { ...web });
}

/** @returns undefined wherever the function is deployed */
export function embeddedWeb(isMain = isMainThread): WebOverride | undefined {
  if (isMain) return undefined;
  return getEnvironmentData(KEY) as unknown as WebOverride | undefined;
}
