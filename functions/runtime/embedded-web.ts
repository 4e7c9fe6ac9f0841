// Where the embedded cloud has web hosts reached, for tests on one machine: at a port of loopback, with a certificate of its own.
//
// Code of the embedded cloud sets it, and no bundle holds that code. It is no environment variable, and nothing that a template
// holds can set it.
import type { WebOverride } from '../../shared/sources/https/client.ts';

let override: WebOverride | undefined;

/** For the bootstrap of an embedded execution environment. */
export function setEmbeddedWeb(web: WebOverride): void {
  override = web;
}

/** @returns undefined wherever the function is deployed */
export function embeddedWeb(): WebOverride | undefined {
  return override;
}
