// Sets up `fetch` with the proxy and certificate settings that AWS's tools share. They hold for the whole process.
import http from 'node:http';
import { connect, fetchProxyOf } from '../s3/connection.ts';

/**
 * @param api the API's address
 * @throws Failure that names a setting that can't be used
 */
export function connectFetch(api: string): void {
  const proxyEnv = fetchProxyOf(connect(), api);
  // Older versions of Node 24 lack this function: `fetch` then connects directly, and reports if it can't.
  if (proxyEnv !== undefined) http.setGlobalProxyFromEnv?.(proxyEnv);
}
