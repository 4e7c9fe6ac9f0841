// A small S3 server for what the embedded one can't do: TLS, redirects, refused headers, expired tokens.
// It checks the signature of each request, as S3 does, and records the requests.
import { createHash, hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSigner } from '../../shared/aws/signature.ts';
import { type Serving, serve } from './serve.ts';

export const SMALL_S3_KEYS = { accessKeyId: 'AKIDTEST', secretAccessKey: 'test-secret' };

export interface Asked {
  method: string;
  url: string;
  host: string;
  region: string;
  headers: IncomingMessage['headers'];
}

export interface SmallS3 extends Omit<Serving, 'server'> {
  /** Bodies by `bucket/key`. */
  objects: Map<string, Buffer>;
  asked: Asked[];
}

export interface SmallS3Options {
  tls?: { cert: string; key: string };
  /** The only region that signatures may be for; absent: any. */
  region?: string;
  /** Answers in place of the store. @returns whether it did */
  intercept?: (request: IncomingMessage, response: ServerResponse, asked: number) => boolean;
}

export async function startSmallS3({ tls, region, intercept }: SmallS3Options = {}): Promise<SmallS3> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  const asked: Asked[] = [];

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const scope = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '');
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, host: headers.host ?? '', region: scope?.[1] ?? '', headers });
      if (intercept?.(request, response, asked.length) === true) return;
      const fault = signatureFault(request, body);
      if (fault !== undefined) return refuse(response, 403, 'SignatureDoesNotMatch', fault);
      if (region !== undefined && scope?.[1] !== region) {
        const named = `<Region>${region}</Region>`;
        return refuse(response, 400, 'AuthorizationHeaderMalformed', 'the region is wrong', named);
      }
      answer(request, response, body);
    });
  };

  function answer(
    { method, url = '', headers }: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): void {
    const { searchParams, pathname } = new URL(url, 'http://any');
    // A virtual-hosted request has the bucket in front of the host.
    const inHost = /^(bucket)\.s3\./.exec(headers.host ?? '')?.[1];
    const path = decodeURIComponent(pathname).slice(1);
    const name = inHost === undefined ? path : `${inHost}/${path}`;
    const uploadId = searchParams.get('uploadId');
    const own = { 'x-amz-request-id': 'small' };
    const etag = { ...own, etag: `"${hash('md5', body)}"` };
    if (!/\/./.test(name)) {
      const listing = method === 'HEAD' ? undefined : '<ListBucketResult></ListBucketResult>';
      response.writeHead(200, { ...own, 'content-type': 'application/xml' }).end(listing);
    } else if (method === 'POST' && searchParams.has('uploads')) {
      const id = `upload-${uploads.size + 1}`;
      uploads.set(id, new Map());
      const text = `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`;
      response.writeHead(200, { ...own, 'content-type': 'application/xml' }).end(text);
    } else if (uploadId !== null && method === 'PUT') {
      uploads.get(uploadId)?.set(Number(searchParams.get('partNumber')), body);
      response.writeHead(200, etag).end();
    } else if (uploadId !== null && method === 'POST') {
      const parts = [...(uploads.get(uploadId) ?? [])].sort(([one], [other]) => one - other);
      objects.set(name, Buffer.concat(parts.map(([, part]) => part)));
      const text = `<CompleteMultipartUploadResult><ETag>"e-${parts.length}"</ETag></CompleteMultipartUploadResult>`;
      response.writeHead(200, { ...own, 'content-type': 'application/xml' }).end(text);
    } else if (uploadId !== null) {
      uploads.delete(uploadId);
      response.writeHead(204, own).end();
    } else if (method === 'PUT') {
      objects.set(name, body);
      response.writeHead(200, etag).end();
    } else {
      const found = objects.get(name);
      const etagOf = (bytes: Buffer) => ({
        ...own,
        etag: `"${hash('md5', bytes)}"`,
        'content-length': bytes.length,
      });
      if (found === undefined) refuse(response, 404, 'NotFound', 'there is none');
      else response.writeHead(200, etagOf(found)).end();
    }
  }

  return { ...(await serve(handle, tls)), objects, asked };
}

export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  more = '',
): void {
  response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'small' });
  response.end(
    response.req.method === 'HEAD'
      ? undefined
      : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`,
  );
}

/** @returns what is wrong with the signature; undefined where it holds for what arrived */
function signatureFault(
  { method = '', url = '', headers }: IncomingMessage,
  body: Buffer,
): string | undefined {
  const [, region = '', names = ''] =
    /Credential=[^/]+\/\d+\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+),/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const signed = new Set(names.split(';'));
  if (!signed.has('host')) return 'host is not signed';
  const bodyHash = String(headers['x-amz-content-sha256']);
  if (bodyHash !== createHash('sha256').update(body).digest('hex'))
    return 'the body is not the one that was signed';
  const [path = '', query = ''] = url.split('?');
  const inOrder = query
    .split('&')
    .map((pair) => (pair === '' || pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&');
  const given = Object.entries(headers).filter(
    ([name]) =>
      signed.has(name) && !['x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'].includes(name),
  );
  const stamp = String(headers['x-amz-date']).replace(
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
    '$1-$2-$3T$4:$5:$6Z',
  );
  const token = headers['x-amz-security-token'];
  const expected = createSigner({ region, service: 's3' }).sign(
    {
      method,
      path,
      query: inOrder,
      headers: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
      body,
    },
    { ...SMALL_S3_KEYS, ...(token === undefined ? {} : { sessionToken: String(token) }) },
    new Date(stamp),
  );
  return expected['authorization'] === headers.authorization
    ? undefined
    : `signed ${headers.authorization}, expected ${expected['authorization']}`;
}
