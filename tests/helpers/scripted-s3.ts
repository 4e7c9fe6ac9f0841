// A few objects of S3 in memory, behind a real client: writes, copies and HEADs, and the faults that a test scripts for them.
import { hash } from 'node:crypto';
import { base64Crc32 } from '../../shared/transfer/checksum.ts';
import { answeringS3, errorAnswer, type GivenAnswer, type SentRequest } from './answering-s3.ts';

export interface ScriptedObject {
  bytes: Buffer;
  contentType: string;
}

/** Of one request, in place of the usual: an answer, or the usual whose answer is lost on the way. */
export type Step = GivenAnswer | 'lost' | 'usual';

export interface Script {
  /** For the writes and copies, in their order; what comes after them is usual. */
  writes?: Step[];
  /** For the HEADs, likewise. */
  heads?: Step[];
}

export function createScriptedS3(script: Script = {}) {
  /** By `bucket/key`. */
  const objects = new Map<string, ScriptedObject>();
  const steps = { PUT: [...(script.writes ?? [])], HEAD: [...(script.heads ?? [])] };

  function usual({ method, path, headers, body }: SentRequest): GivenAnswer {
    const name = decodeURIComponent(path).slice(1);
    const object = objects.get(name);
    if (method === 'HEAD') return object === undefined ? { statusCode: 404 } : headOf(object);
    if (headers['if-none-match'] === '*' && object !== undefined)
      return errorAnswer(412, 'PreconditionFailed', '<Condition>If-None-Match</Condition>');
    const from = headers['x-amz-copy-source'];
    const contentType = headers['content-type'];
    if (from === undefined) {
      const written = { bytes: Buffer.from(body ?? []), contentType: contentType ?? '' };
      objects.set(name, written);
      return { statusCode: 200, headers: { etag: etagOf(written) } };
    }
    const source = objects.get(decodeURIComponent(from));
    if (source === undefined) return errorAnswer(404, 'NoSuchKey');
    objects.set(name, { ...source, contentType: contentType ?? source.contentType });
    return {
      statusCode: 200,
      text: `<CopyObjectResult><ETag>${etagOf(source)}</ETag></CopyObjectResult>`,
    };
  }

  const { s3, sent } = answeringS3(
    (request) => {
      const step = steps[request.method as 'PUT' | 'HEAD'].shift() ?? 'usual';
      if (step !== 'usual' && step !== 'lost') return step;
      const answer = usual(request);
      if (step === 'lost') throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      return answer;
    },
    { endpoint: 'https://s3.test', forcePathStyle: true },
  );
  return { s3, sent, objects };
}

function headOf(object: ScriptedObject): GivenAnswer {
  return {
    statusCode: 200,
    headers: {
      etag: etagOf(object),
      'content-length': String(object.bytes.length),
      'content-type': object.contentType,
      'x-amz-checksum-crc32': base64Crc32(object.bytes),
      'x-amz-checksum-type': 'FULL_OBJECT',
    },
  };
}

function etagOf({ bytes }: ScriptedObject): string {
  return `"${hash('md5', bytes)}"`;
}
