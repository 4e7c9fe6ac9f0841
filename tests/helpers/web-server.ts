// An https server of the web on this machine: a test answers each of its requests. It has a certificate for the names below.
import { readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { WebOverride } from '../../shared/sources/https/client.ts';
import { serve } from './serve.ts';

const fixture = (name: string) =>
  readFileSync(new URL(`../integration/fixtures/web/test-only-${name}.pem`, import.meta.url), 'utf8');

/** Names in the certificate. */
export const FILES_HOST = 'files.example.com';
export const CDN_HOST = 'eu.cdn.example.com';
export const OTHER_HOST = 'www.example.org';

export interface WebServer {
  port: number;
  /** Every request so far. */
  asked: IncomingMessage[];
  /** Where the names are reached; others are looked up. */
  override: WebOverride;
  close(): void;
}

export type Answering = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

export async function startWebServer(
  answer: Answering,
  certificate: 'certificate' | 'expired' = 'certificate',
): Promise<WebServer> {
  const asked: IncomingMessage[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(request);
    answer(request, response, asked.length);
  };
  const { port, close } = await serve(listener, { cert: fixture(certificate), key: fixture('key') });
  const place = { address: '127.0.0.1', port };
  const hosts = Object.fromEntries(
    [FILES_HOST, CDN_HOST, OTHER_HOST, 'wrong.example.net'].map((host) => [host, place]),
  );
  return { port, asked, override: { hosts, ca: fixture('authority') }, close };
}
