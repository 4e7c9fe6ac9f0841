// What is changed in an S3 request before fauxqs carries it out.
import type { IncomingMessage } from 'node:http';
import type { S3Request } from './s3-requests.ts';
import { keyWithVersion } from './versions.ts';

/** Operations on an object that are left to fauxqs. */
export const OBJECT_OPERATIONS_OF_FAUXQS: ReadonlySet<string> = new Set([
  'DeleteObject',
  'GetObjectAttributes',
]);

export function suitFauxqs(s3: S3Request, request: IncomingMessage): void {
  moveVersion(s3, request);
  avoidHealthPage(s3, request);
  // Its server refuses a body whose type it can't read; none of its operations but the form needs the type.
  if (s3.operation !== 'PostObject') delete request.headers['content-type'];
}

/** fauxqs knows no versions: a version travels within its key. */
function moveVersion({ bucket, key, operation, query }: S3Request, request: IncomingMessage): void {
  const versionId = query.get('versionId');
  if (versionId === null || !OBJECT_OPERATIONS_OF_FAUXQS.has(operation)) return;
  const rest = new URLSearchParams(query);
  rest.delete('versionId');
  const path = encodeURIComponent(keyWithVersion(key, versionId)).replaceAll('%2F', '/');
  request.url = `/${encodeURIComponent(bucket)}/${path}${rest.size > 0 ? `?${rest}` : ''}`;
}

/** fauxqs answers /health itself; /health/ is a bucket as any other. */
function avoidHealthPage({ bucket, key, query }: S3Request, request: IncomingMessage): void {
  if (bucket === 'health' && key === '') request.url = `/health/${query.size > 0 ? `?${query}` : ''}`;
}
