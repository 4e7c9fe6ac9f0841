// `fetch` in the environment that AWS's tools share: it takes proxies and certificates for the whole process.
import http from 'node:http';
import tls from 'node:tls';
import { connectionOf } from '../s3/connection.ts';

/** @throws Failure where a setting can't be used, with its name */
export function connectFetch(): void {
  const { proxyEnv, ca } = connectionOf();
  // Older versions of Node 24 have neither: `fetch` then goes the direct way, and its error says that it is closed.
  if (ca !== undefined) tls.setDefaultCACertificates?.(ca);
  if (proxyEnv !== undefined) http.setGlobalProxyFromEnv?.(proxyEnv);
}
