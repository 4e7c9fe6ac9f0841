// A write counts as stored only with the proof that S3 gives: an ETag, or the id of a multipart upload. A web console, a login
// page or a captive portal answers 200 to every request, and has stored nothing.
//
//   proven       the answer carries S3's proof
//   broken off   S3's answer, but not all of it: the write may have happened, and may be tried again
//   no proof     not an answer of S3's: trying again changes nothing
import type {
  $Command,
  S3Client,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import {
  type Answer,
  bounded,
  describeAnswer,
  hasS3Header,
  isPageOrJson,
  MOST_ANSWER_BYTES,
  type RawAnswer,
} from './answer.ts';
import { refusalOf } from './classify.ts';
import { hostOf, RedirectFault } from './redirect-target.ts';

/** Milliseconds and signal of one request; the client's own are the default. */
export interface SendOptions {
  abortSignal?: AbortSignal;
  requestTimeout?: number;
}

/**
 * Whether the answer proves the write.
 * @param proof the ETag or upload id in it
 * @param answer absent where the client is no real one
 * @param hasBody false: S3 sends no body with this answer, so one that is no XML is another server's
 */
export function isProven(proof: string | undefined, answer: Answer | undefined, hasBody: boolean): boolean {
  if (proof === undefined || proof.replaceAll('"', '').trim() === '') return false;
  if (answer === undefined) return true;
  if (hasBody) return !isBrokenOff(answer);
  const text = answer.text.trimStart();
  // Frameworks put a weak ETag of their own on every page that they serve: to a HEAD it comes without the page.
  const isOfPage = proof.startsWith('W/') && isPageOrJson(answer) && !hasS3Header(answer);
  return (
    (text === '' || text.startsWith('<?xml')) && !(isOfPage && answer.headers['last-modified'] === undefined)
  );
}

/** @param hasBody whether S3 sends the outcome in the body, which may break off */
export function unproven(answer: Answer, hasBody: boolean): Error {
  if (hasBody && isBrokenOff(answer)) {
    return refusalOf('InternalError', `${describeAnswer(answer)}: the answer broke off`, 500);
  }
  const message =
    `${describeAnswer(answer)}, without the proof that S3 gives of a write: ` +
    'it is no S3 endpoint, or something on the way answers for it';
  // The code of a row that fails for lack of proof.
  return refusalOf('NoProof', message, answer.status);
}

/** S3 begins to answer a long copy before it is done. Then the rest may be missing, or hold an error. */
function isBrokenOff(answer: Answer): boolean {
  const text = answer.text.trim();
  if (!answer.isWhole) return false;
  if (text === '') return hasS3Header(answer) || !isPageOrJson(answer);
  const root = /^(?:<\?xml[^>]*\?>)?\s*<((?:\w+:)?(?:\w+Result|Error))[\s>]/.exec(text)?.[1];
  if (root !== undefined) return !text.endsWith(`</${root}>`);
  // Cut within the prolog, or before the root's name.
  return /^<(\?(x(m(l[^>]*(\?>?)?)?)?)?)?$/.test(text) || /^<\?xml[^>]*\?>\s*(<\w*)?$/.test(text);
}

/**
 * Sends a command whose answer must prove something: a write, or a HEAD, which S3 answers with the object's ETag.
 * @throws what the client throws, or an error named NoProof where a 2xx answer proves nothing
 */
export async function sendProven<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  s3: Pick<S3Client, 'send'>,
  command: $Command<Input, Output, S3ClientResolvedConfig>,
  options: SendOptions = {},
  heard: Heard = listen(command),
): Promise<Output> {
  let output: Output;
  try {
    output = await s3.send(command, options);
  } catch (error) {
    throw explained(error, heard);
  }
  const { answer, hasBody } = heard;
  if (isProven(proofIn(output), answer, hasBody)) return output;
  throw answer === undefined ? unproven(NOT_HEARD, false) : unproven(answer, hasBody);
}

/** For an answer that is no XML, the SDK says only that it can't parse it. */
function explained(error: unknown, { answer, hasBody, isEnded }: Heard): unknown {
  // An answer that did not end is the connection's fault, and an error in it is S3's.
  if (answer === undefined || !isEnded || error instanceof RedirectFault) return error;
  const { status, text } = answer;
  if (status < 300) return text.trimEnd().endsWith('</Error>') ? error : unproven(answer, hasBody);
  if (text.trim() === '' || /<Error[\s>]/.test(text)) return error;
  return Object.assign(new Error(describeAnswer(answer), { cause: error }), {
    $metadata: { httpStatusCode: status },
  });
}

/** The ETag of an object or a part, or the id of an upload. */
function proofIn(output: ServiceOutputTypes): string | undefined {
  if ('CopyObjectResult' in output) return output.CopyObjectResult?.ETag;
  if ('CopyPartResult' in output) return output.CopyPartResult?.ETag;
  if ('UploadId' in output && output.UploadId !== undefined) return output.UploadId;
  return 'ETag' in output ? output.ETag : undefined;
}

/** Commands that S3 answers in headers alone. */
const WITHOUT_BODY: ReadonlySet<unknown> = new Set([
  'PutObjectCommand',
  'UploadPartCommand',
  'HeadObjectCommand',
  'HeadBucketCommand',
]);
/** A client in a test may make no HTTP request, and so have no answer. */
const NOT_HEARD: Answer = { host: 'the endpoint', status: 200, headers: {}, text: '', isWhole: true };

export interface Heard {
  /** Of the last attempt; absent where none was answered. */
  answer?: Answer;
  hasBody: boolean;
  /** Whether the body ended, or was cut after the bytes that are read of it. */
  isEnded: boolean;
}

/** Records the answer to the command, since the SDK keeps neither its headers nor its text, and bounds what is read of it. */
export function listen<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  command: $Command<Input, Output, S3ClientResolvedConfig>,
): Heard {
  const heard: Heard = { hasBody: true, isEnded: false };
  command.middlewareStack.add(
    (next, context) => async (args) => {
      delete heard.answer;
      heard.isEnded = false;
      heard.hasBody = !WITHOUT_BODY.has(context['commandName']);
      const result = await next(args);
      const request = args.request as { method: string; hostname: string; port?: number };
      const response = result.response as RawAnswer;
      const { statusCode: status, headers } = response;
      const answer: Answer = { host: hostOf(request), status, headers, text: '', isWhole: true };
      heard.answer = answer;
      // A HEAD has no body to be read.
      if (request.method === 'HEAD') heard.isEnded = true;
      else response.body = bounded(record(response.body, answer, heard), MOST_ANSWER_BYTES);
      return result;
    },
    // Behind all that reads the answer: next to the wire.
    { step: 'deserialize', priority: 'low', name: 'listen' },
  );
  return heard;
}

async function* record(
  body: AsyncIterable<Uint8Array>,
  answer: Answer,
  heard: Heard,
): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    chunks.push(chunk);
    answer.isWhole = bytes <= MOST_ANSWER_BYTES;
    answer.text = Buffer.concat(chunks).subarray(0, MOST_ANSWER_BYTES).toString();
    if (!answer.isWhole) heard.isEnded = true;
    yield chunk;
  }
  heard.isEnded = true;
}
