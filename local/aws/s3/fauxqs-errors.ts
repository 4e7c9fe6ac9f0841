// What fauxqs' server itself refuses, in the words of the service that was called: S3's XML, or SQS's JSON.
//
// Its own answers are JSON in its framework's form, which no AWS client can read.
import type { IncomingMessage } from 'node:http';
import type { buildApp } from 'fauxqs';
import { errorXml, faultOf, type S3Fault } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';

interface Dependencies {
  /** Undefined for a request to another service. */
  s3Of: (request: IncomingMessage) => S3Request | undefined;
  onFailure: (error: unknown) => void;
}

export function answerFauxqsErrors(
  app: ReturnType<typeof buildApp>,
  { s3Of, onFailure }: Dependencies,
): void {
  app.setErrorHandler((error: FrameworkError, request, reply) => {
    const s3 = s3Of(request.raw);
    if (statusOf(error) >= 500) onFailure(error);
    if (s3 === undefined) {
      const { status, type } = awsJsonFault(error);
      reply.code(status).header('content-type', 'application/x-amz-json-1.0');
      reply.send(JSON.stringify({ __type: type, message: error.message }));
      return;
    }
    const fault = s3Fault(error, s3);
    reply.code(fault.status).header('content-type', 'application/xml');
    reply.send(request.method === 'HEAD' ? '' : errorXml(fault, pathOf(s3), String(request.id)));
  });
  app.setNotFoundHandler((request, reply) => {
    const s3 = s3Of(request.raw) ?? { bucket: '', key: '' };
    const fault = ROUTED.has(request.method)
      ? faultOf(404, 'NoSuchBucket')
      : faultOf(405, 'MethodNotAllowed');
    reply.code(fault.status).header('content-type', 'application/xml');
    reply.send(request.method === 'HEAD' ? '' : errorXml(fault, pathOf(s3), String(request.id)));
  });
}

interface FrameworkError extends Error {
  code?: string;
  statusCode?: number;
}

/** For these fauxqs has routes. */
const ROUTED = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE']);

/** A body that is no JSON is the caller's fault, though fauxqs gives it no status. */
function statusOf(error: FrameworkError): number {
  return error.statusCode ?? (error instanceof SyntaxError ? 400 : 500);
}

function s3Fault(error: FrameworkError, { operation }: S3Request): S3Fault {
  const { code } = error;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return faultOf(400, operation === 'PostObject' ? 'EntityTooLarge' : 'MaxMessageLengthExceeded');
  }
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH') return faultOf(400, 'IncompleteBody');
  return statusOf(error) >= 500 ? faultOf(500, 'InternalError') : faultOf(400, 'InvalidRequest');
}

function awsJsonFault(error: FrameworkError): { status: number; type: string } {
  const statusCode = statusOf(error);
  if (statusCode === 413) return { status: 413, type: 'RequestEntityTooLarge' };
  if (statusCode >= 500) return { status: 500, type: 'InternalFailure' };
  return { status: 400, type: 'com.amazon.coral.service#SerializationException' };
}

function pathOf({ bucket, key }: Pick<S3Request, 'bucket' | 'key'>): string {
  return `/${bucket}${key === '' ? '' : `/${key}`}`;
}
