// Carries out the requests for objects that fauxqs would take whole into memory, or refuse for their content type, and listings.
//
// fauxqs keeps what is left: buckets, deletions, attributes and forms that are posted to a bucket.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { S3Fault as InjectedFault } from '../../faults/fault.ts';
import { strikeAfter } from '../../faults/s3.ts';
import { S3Error } from '../fauxqs-parts.ts';
import { abortMultipartUpload } from './abort-multipart-upload.ts';
import { completeMultipartUpload } from './complete-multipart-upload.ts';
import { checkCondition, checkSource, type WriteCondition } from './conditional-writes.ts';
import { copyObject } from './copy-object.ts';
import { createMultipartUpload } from './create-multipart-upload.ts';
import { getObject, headObject } from './get-object.ts';
import { getObjectTagging } from './get-object-tagging.ts';
import { listObjects, listObjectsV2 } from './list-objects.ts';
import { listParts } from './list-parts.ts';
import type { Notifications } from './notifications.ts';
import type { ObjectAction, ObjectAnswer, ObjectDependencies } from './object-action.ts';
import { bytesInMemory, holdBody, letGoOfBody, type ObjectBody, readBody, sliceBody } from './object-body.ts';
import { putObject } from './put-object.ts';
import { answerError, faultOf, newRequestId, type S3Fault, s3Error } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';
import { asS3Object, type StoredObject } from './stored-object.ts';
import { uploadPart, uploadPartCopy } from './upload-part.ts';

export interface ObjectRequests {
  handles(operation: string): boolean;
  /** Never rejects. */
  answer(passage: ObjectPassage, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export interface ObjectPassage {
  s3: S3Request;
  condition: WriteCondition | undefined;
  fault: InjectedFault | undefined;
}

const ACTIONS = new Map<string, ObjectAction>(
  Object.entries({
    PutObject: putObject,
    CopyObject: copyObject,
    GetObject: getObject,
    HeadObject: headObject,
    'GetObject-tagging': getObjectTagging,
    CreateMultipartUpload: createMultipartUpload,
    UploadPart: uploadPart,
    UploadPartCopy: uploadPartCopy,
    CompleteMultipartUpload: completeMultipartUpload,
    AbortMultipartUpload: abortMultipartUpload,
    ListParts: listParts,
    ListObjects: listObjects,
    ListObjectsV2: listObjectsV2,
  }),
);
/** The largest sample of a body whose first half a fault lets through. */
const MAX_HALVED_BYTES = 1024 ** 2;

interface Dependencies extends ObjectDependencies {
  notifications: Notifications;
  /** The emulator's own failure. */
  onFailure: (error: unknown) => void;
}

export function createObjectRequests(dependencies: Dependencies): ObjectRequests {
  const { objects, notifications, objectHeaders, onFailure } = dependencies;

  function assertConditions(
    { s3, condition }: ObjectPassage,
    request: IncomingMessage,
    source?: StoredObject,
  ) {
    // What is archived can't be read, by a copy neither.
    if (source !== undefined && objectHeaders.isArchived(asS3Object(source))) {
      const message = "Operation is not valid for the source object's storage class";
      throw s3Error(403, 'InvalidObjectState', message);
    }
    const fault =
      checkSource(s3.operation, request.headers, source) ??
      (condition && checkCondition(condition, objects.peek(s3.bucket, s3.key)));
    if (fault === undefined) return;
    throw Object.assign(s3Error(fault.status, fault.code), { condition: fault.condition });
  }

  /** Reports what was done, and adds the kept properties of the object to the answer. */
  function completed({ s3 }: ObjectPassage, answer: ObjectAnswer, request: IncomingMessage): ObjectAnswer {
    const requestId = newRequestId();
    const headers = { ...answer.headers, 'x-amz-request-id': requestId, 'x-amz-id-2': requestId };
    const { touched, source, keptHeaders } = answer;
    if (touched === undefined || answer.status >= 300) return { ...answer, headers };
    const isRead = s3.operation === 'GetObject' || s3.operation === 'HeadObject';
    if (s3.operation === 'GetObject' && objectHeaders.isArchived(touched.object)) {
      if (typeof answer.content === 'object') letGoOfBody(answer.content);
      const message = "The operation is not valid for the object's storage class";
      throw s3Error(403, 'InvalidObjectState', message);
    }
    if (!isRead) {
      objectHeaders.wrote(
        keptHeaders === undefined ? request : { headers: keptHeaders },
        touched.object,
        source,
      );
    }
    const address = request.socket.remoteAddress ?? '';
    notifications.objectCreated(s3.operation, touched, { address, requestId });
    return {
      ...answer,
      headers: {
        ...headers,
        ...objectHeaders.of(s3, touched.object),
        ...(touched.versionId === undefined ? {} : { 'x-amz-version-id': touched.versionId }),
      },
    };
  }

  async function carryOut(passage: ObjectPassage, request: IncomingMessage): Promise<ObjectAnswer> {
    const action = ACTIONS.get(passage.s3.operation);
    if (action === undefined) throw s3Error(501, 'NotImplemented', 'This operation is not emulated.');
    const answer = await action(dependencies, {
      s3: passage.s3,
      request,
      assertConditions: (source) => assertConditions(passage, request, source),
    });
    return completed(passage, answer, request);
  }

  return {
    handles: (operation) => ACTIONS.has(operation),

    async answer(passage, request, response) {
      try {
        const answer = await carryOut(passage, request);
        letGoAtEnd(answer, response);
        await sendStruck(passage.fault, answer, request, response);
      } catch (error) {
        // The client went away, in the middle of its own body or of the answer.
        if (response.destroyed || (request.destroyed && !request.complete)) return;
        const fault = faultFrom(error);
        if (fault === undefined) onFailure(error);
        if (response.headersSent) response.destroy();
        else answerError(request, response, fault ?? faultOf(500, 'InternalError'));
      }
    },
  };
}

function faultFrom(error: unknown): S3Fault | undefined {
  if (!(error instanceof S3Error)) return undefined;
  const { code, statusCode: status, message, condition }: typeof error & Pick<S3Fault, 'condition'> = error;
  return { status, code, message, condition };
}

function letGoAtEnd({ content }: ObjectAnswer, response: ServerResponse): void {
  if (content === undefined || typeof content === 'string') return;
  if (response.closed || response.destroyed) letGoOfBody(content);
  else response.once('close', () => letGoOfBody(content));
}

async function sendStruck(
  fault: InjectedFault | undefined,
  answer: ObjectAnswer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (fault === undefined) return await send(answer, response);
  const { content } = answer;
  const payload = typeof content === 'object' ? await sampleOf(content) : content;
  await new Promise<void>((resolve, reject) => {
    response.once('close', resolve);
    strikeAfter(
      fault,
      { request, response, payload },
      () => writeHead(answer, response),
      () => void send(answer, response).then(resolve, reject),
    );
  });
}

async function send(answer: ObjectAnswer, response: ServerResponse): Promise<void> {
  const { content } = answer;
  if (content === undefined || typeof content === 'string') {
    writeHead(answer, response);
    response.end(content);
    return;
  }
  const bytes = bytesInMemory(content);
  if (bytes !== undefined) {
    writeHead(answer, response);
    response.end(bytes);
    return;
  }
  const chunks = readBody(content);
  try {
    // A file that can't be read is an error answer, as long as no head is sent.
    const first = await chunks.next();
    writeHead(answer, response);
    if (first.done !== true) await pipeline(startingWith(first.value, chunks), response);
    else response.end();
  } finally {
    await chunks.return(undefined);
  }
}

async function* startingWith(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

function writeHead({ status, headers, content }: ObjectAnswer, response: ServerResponse): void {
  const length =
    status === 204 || status === 304 || 'content-length' in headers
      ? {}
      : { 'content-length': typeof content === 'string' ? Buffer.byteLength(content) : 0 };
  response.writeHead(status, { ...headers, ...length });
}

async function sampleOf(body: ObjectBody): Promise<Buffer> {
  const sample = holdBody(sliceBody(body, 0, Math.min(body.sizeBytes, MAX_HALVED_BYTES)));
  try {
    return Buffer.concat(await Array.fromAsync(readBody(sample)));
  } finally {
    letGoOfBody(sample);
  }
}
