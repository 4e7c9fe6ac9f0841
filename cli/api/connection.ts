// `fetch` in the environment that AWS's tools share: it takes proxies and certificates for the whole process.
import http from 'node:http';
import { connect, fetchProxyOf } from '../s3/connection.ts';

/**
 * @param api the address that is asked
 * @throws Failure where a setting can't be used, with its name
 */
export function connectFetch(api: string): void {
  const proxyEnv = fetchProxyOf(connect(), api);
  // Older versions of Node 24 have none: `fetch` then goes the direct way, and its error says that it is closed.
  if (proxyEnv !== undefined) http.setGlobalProxyFromEnv?.(proxyEnv);
}
