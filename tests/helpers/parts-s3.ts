// Objects of any size behind a real client, without their bytes: HEADs, copies, uploads of copied parts, and scripted faults.
import { answeringS3, errorAnswer, type GivenAnswer, type SentRequest } from './answering-s3.ts';

export interface SizedObject {
  sizeBytes: number;
  /** Without quotes. */
  etag: string;
  headers?: Record<string, string>;
  tags?: Record<string, string>;
  /** What a copy in parts is made of: `etag:first-last` of its source. */
  madeOf?: string[];
}

export type Operation = 'head' | 'tags' | 'copy' | 'create' | 'part' | 'list' | 'complete' | 'abort';
/** In place of the usual: an answer, the usual whose answer is lost, or something that happens before the usual. */
export type Step = GivenAnswer | 'lost' | 'usual' | (() => void);

interface OpenUpload {
  name: string;
  headers: Record<string, string>;
  parts: Map<number, { etag: string; from: string; sizeBytes: number; atMs: number }>;
}

const MOST_COPIED_BYTES = 5 * 1024 ** 3;
const TOO_LARGE = `The specified copy source is larger than the maximum allowable size for a copy source: ${MOST_COPIED_BYTES}`;

/** @param now S3's clock, in epoch ms */
export function createPartsS3(script: Partial<Record<Operation, Step[]>> = {}, now: () => number = () => 0) {
  /** By `bucket/key`. */
  const objects = new Map<string, SizedObject>();
  const uploads = new Map<string, OpenUpload>();
  const calls: Operation[] = [];
  const steps = new Map(Object.entries(script).map(([name, list]) => [name, [...list]]));
  let ids = 0;

  const nameOf = (path: string) => decodeURIComponent(path).slice(1);
  const unquoted = (etag = '') => etag.replaceAll('"', '');
  const gone = () => errorAnswer(404, 'NoSuchUpload');
  const sourceOf = ({ headers }: SentRequest) => {
    const [name = ''] = (headers['x-amz-copy-source'] ?? '').split('?');
    return objects.get(decodeURIComponent(name));
  };
  /** @returns S3's refusal where the source is not as the request says */
  function refusedSource({ headers }: SentRequest, source: SizedObject | undefined): GivenAnswer | undefined {
    if (source === undefined) return errorAnswer(404, 'NoSuchKey');
    const ifMatch = headers['x-amz-copy-source-if-match'];
    if (ifMatch === undefined || unquoted(ifMatch) === source.etag) return undefined;
    return errorAnswer(412, 'PreconditionFailed', '<Condition>x-amz-copy-source-If-Match</Condition>');
  }

  const usual: Record<Operation, (request: SentRequest) => GivenAnswer> = {
    head({ path }) {
      const object = objects.get(nameOf(path));
      if (object === undefined) return { statusCode: 404 };
      const { etag, sizeBytes, headers, tags = {} } = object;
      const tagCount = Object.keys(tags).length;
      return {
        statusCode: 200,
        headers: {
          etag: `"${etag}"`,
          'content-length': String(sizeBytes),
          ...(tagCount === 0 ? {} : { 'x-amz-tagging-count': String(tagCount) }),
          ...headers,
        },
      };
    },
    tags({ path }) {
      const tags = Object.entries(objects.get(nameOf(path))?.tags ?? {});
      const set = tags.map(([name, value]) => `<Tag><Key>${name}</Key><Value>${value}</Value></Tag>`);
      return { statusCode: 200, text: `<Tagging><TagSet>${set.join('')}</TagSet></Tagging>` };
    },
    copy(request) {
      const source = sourceOf(request);
      const refused = refusedSource(request, source);
      if (refused !== undefined || source === undefined) return refused ?? errorAnswer(404, 'NoSuchKey');
      if (source.sizeBytes > MOST_COPIED_BYTES)
        return { ...errorAnswer(400, 'InvalidRequest'), text: errorText('InvalidRequest', TOO_LARGE) };
      objects.set(nameOf(request.path), { ...source });
      return result(`<CopyObjectResult><ETag>"${source.etag}"</ETag></CopyObjectResult>`);
    },
    create({ path, headers }) {
      const id = `upload-${++ids}`;
      uploads.set(id, { name: nameOf(path), headers, parts: new Map() });
      return result(
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    },
    part(request) {
      const { query, headers } = request;
      const upload = uploads.get(query['uploadId'] ?? '');
      if (upload === undefined) return gone();
      const source = sourceOf(request);
      const refused = refusedSource(request, source);
      if (refused !== undefined || source === undefined) return refused ?? errorAnswer(404, 'NoSuchKey');
      const range = headers['x-amz-copy-source-range'] ?? `bytes=0-${source.sizeBytes - 1}`;
      const [first = 0, last = 0] = range.slice('bytes='.length).split('-').map(Number);
      const number = Number(query['partNumber']);
      const etag = `part-${number}-of-${source.etag}`;
      upload.parts.set(number, {
        etag,
        from: `${source.etag}:${first}-${last}`,
        sizeBytes: last - first + 1,
        atMs: now(),
      });
      return result(`<CopyPartResult><ETag>"${etag}"</ETag></CopyPartResult>`);
    },
    list({ query }) {
      const upload = uploads.get(query['uploadId'] ?? '');
      if (upload === undefined) return gone();
      const after = Number(query['part-number-marker'] ?? 0);
      const left = [...upload.parts].filter(([number]) => number > after).toSorted(([a], [b]) => a - b);
      const page = left.slice(0, 1000);
      const parts = page.map(
        ([number, { etag, sizeBytes, atMs }]) =>
          `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag><Size>${sizeBytes}</Size><LastModified>${new Date(atMs).toISOString()}</LastModified></Part>`,
      );
      const isTruncated = page.length < left.length;
      return result(
        `<ListPartsResult><IsTruncated>${isTruncated}</IsTruncated><NextPartNumberMarker>${page.at(-1)?.[0] ?? 0}</NextPartNumberMarker>${parts.join('')}</ListPartsResult>`,
      );
    },
    complete({ path, query, headers, body }) {
      const id = query['uploadId'] ?? '';
      const upload = uploads.get(id);
      if (upload === undefined) return gone();
      if (headers['if-none-match'] === '*' && objects.has(nameOf(path)))
        return errorAnswer(412, 'PreconditionFailed', '<Condition>If-None-Match</Condition>');
      const listed = [...String(body).matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, number]) =>
        upload.parts.get(Number(number)),
      );
      const parts = listed.flatMap((part) => part ?? []);
      if (parts.length < listed.length) return errorAnswer(400, 'InvalidPart');
      uploads.delete(id);
      const etag = `whole-of-${id}-${parts.length}`;
      const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
      objects.set(nameOf(path), {
        etag,
        sizeBytes,
        headers: upload.headers,
        madeOf: parts.map(({ from }) => from),
      });
      return result(`<CompleteMultipartUploadResult><ETag>"${etag}"</ETag></CompleteMultipartUploadResult>`);
    },
    abort: ({ query }) => (uploads.delete(query['uploadId'] ?? '') ? { statusCode: 204 } : gone()),
  };

  const { s3, sent } = answeringS3(
    (request) => {
      const operation = operationOf(request);
      calls.push(operation);
      const step = steps.get(operation)?.shift() ?? 'usual';
      if (typeof step === 'object') return step;
      if (typeof step === 'function') step();
      const answer = usual[operation](request);
      if (step === 'lost') throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      return answer;
    },
    { endpoint: 'https://s3.test', forcePathStyle: true },
  );
  const of = (operation: Operation) => sent.filter((request) => operationOf(request) === operation);
  /** From now on all is usual. */
  const calm = () => steps.clear();
  return {
    s3,
    sent,
    of,
    calm,
    objects,
    uploads,
    calls,
    countOf: (operation: Operation) => of(operation).length,
  };
}

function operationOf({ method, query }: SentRequest): Operation {
  if (method === 'HEAD') return 'head';
  if (method === 'GET') return 'tagging' in query ? 'tags' : 'list';
  if (method === 'DELETE') return 'abort';
  if (method === 'POST') return 'uploads' in query ? 'create' : 'complete';
  return 'partNumber' in query ? 'part' : 'copy';
}

function result(text: string): GivenAnswer {
  return { statusCode: 200, text: `<?xml version="1.0" encoding="UTF-8"?>\n${text}` };
}

function errorText(code: string, message: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
}
