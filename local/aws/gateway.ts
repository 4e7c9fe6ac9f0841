// The gateway: one HTTP server for S3, SQS, EventBridge and Lambda's API, with what fauxqs behind it lacks.
//
// An S3 request passes, in this order: the guard, the outages, the bucket's limits, the faults, the sender's permissions, the
// claim of a conditional write. Reads and writes of objects are carried out by s3/object-requests.ts, the rest by fauxqs; the meter comes last.
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { buildApp } from 'fauxqs';
import type { Clock } from '../../shared/time/clock.ts';
import type { Outages } from '../faults/outages.ts';
import { type S3Faults, strikeAfter, strikeBefore } from '../faults/s3.ts';
import type { Guard } from '../guard/admission.ts';
import { createGuardedServer, type GuardedServerOptions } from '../guard/guarded-server.ts';
import type { Authorizer } from '../iam/authorizer.ts';
import { deletionAccess, listAccess, readPlace, type S3Place, s3Access } from '../iam/s3-access.ts';
import type { Latencies } from '../meter/latencies.ts';
import type { Meter } from '../meter/meter.ts';
import type { EventBus } from './eventbridge/event-bus.ts';
import { answerPutEvents, isEventBridge } from './eventbridge/event-bus-http.ts';
import { answerLambdaApi, isLambdaApi, type LambdaAnswer, type LambdaCall } from './lambda/lambda-http.ts';
import { type ConditionalWrites, hasUnknownCondition, writeCondition } from './s3/conditional-writes.ts';
import { answerFauxqsErrors } from './s3/fauxqs-errors.ts';
import { uploadsXml } from './s3/list-parts.ts';
import type { MultipartUploads } from './s3/multipart-uploads.ts';
import type { Notifications } from './s3/notifications.ts';
import type { ObjectHeaders } from './s3/object-headers.ts';
import type { ObjectPassage, ObjectRequests } from './s3/object-requests.ts';
import type { ObjectStore } from './s3/object-store.ts';
import type { BucketOwners } from './s3/owners.ts';
import { answerParserErrors } from './s3/parser-errors.ts';
import { refusalOfPost } from './s3/post-policy.ts';
import { isExpired, signerOfQuery } from './s3/presigned-query.ts';
import {
  answerError,
  answerXml,
  faultOf,
  locationXml,
  type S3Fault,
  SLOW_DOWN,
  versioningXml,
} from './s3/s3-answers.ts';
import type { S3Limits } from './s3/s3-limits.ts';
import { isConfiguration, parseS3Request, type S3Request } from './s3/s3-requests.ts';
import { copySourceWithVersion, keyWithVersion } from './s3/versions.ts';

export interface GatewayParts {
  accountId: string;
  /** Has a call of Lambda's API answered. */
  askLambda: (call: LambdaCall) => Promise<LambdaAnswer>;
  authorizer: Authorizer;
  app: ReturnType<typeof buildApp>;
  bus: EventBus;
  clock: Clock;
  conditionalWrites: ConditionalWrites;
  faults: S3Faults;
  guard: Guard;
  /** How long the functions wait for an answer; absent: as long as this machine takes. */
  latencies: Latencies | undefined;
  limits: Map<string, S3Limits>;
  meter: Meter;
  notifications: Notifications;
  objectHeaders: ObjectHeaders;
  objectRequests: ObjectRequests;
  objects: ObjectStore;
  /** A failure of the gateway's own. */
  onFailure: (error: unknown) => void;
  outages: Outages;
  owners: BucketOwners;
  region: string;
  uploads: MultipartUploads;
}

/** A body of 5 GiB at 1 MB a second, from a busy or slow disk, takes an hour and a half. Node's own limit is 5 minutes. */
const REQUEST_TIMEOUT_MS = 2 * 60 * 60 * 1000;
/** No bucket is made with a longer name here. One that is there from the start may have an older name, of up to 255. */
const MAX_BUCKET_CHARACTERS = 63;
/** fauxqs' router finds no bucket of a longer name. */
const MAX_BUCKET_CHARACTERS_OF_FAUXQS = 100;
/** S3 user guide, "Naming Amazon S3 objects": in UTF-8. */
const MAX_KEY_BYTES = 1_024;
/** Operations on an object that are left to fauxqs. */
const OBJECT_OPERATIONS_OF_FAUXQS = new Set(['DeleteObject', 'GetObjectAttributes']);

export function createGateway(parts: GatewayParts): Server {
  const passages = new WeakMap<IncomingMessage, ObjectPassage>();
  addS3Hooks(parts, passages);
  answerFauxqsErrors(parts.app, {
    s3Of: (request) => passages.get(request)?.s3,
    onFailure: parts.onFailure,
  });

  const serving: GuardedServerOptions = {
    guard: parts.guard,
    formOf: (request) => (!isLambdaApi(request) && isS3(request, undefined) ? 's3-xml' : 'aws-json'),
    keepAliveMs: 60_000,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    latencyMs: (request) => latencyOf(parts, request),
  };
  const server = createGuardedServer(serving, (request, response, bucket) => {
    hideHost(request);
    if (isLambdaApi(request)) {
      const { authorizer, askLambda: ask } = parts;
      return void answerLambdaApi({ authorizer, ask }, request, response);
    }
    if (isEventBridge(request)) return void answerPutEvents(parts, request, response);
    const service = isS3(request, bucket) ? 's3' : 'sqs';
    if (parts.outages.resets(service, request, response)) return;
    if (service === 'sqs') return parts.app.routing(request, response);
    usePathStyle(request, bucket);
    const s3 = parseS3Request({
      method: request.method ?? '',
      url: request.url ?? '/',
      headers: request.headers,
    });
    if (s3 === undefined) return void answerError(request, response, faultOf(400, 'InvalidURI'));
    response.once('close', () => count(parts.meter, s3, request, response));
    pass(parts, passages, s3, request, response);
  });
  answerParserErrors(server);
  return server;
}

/** Only functions wait: what the user of this machine sends is no part of a run on AWS. */
function latencyOf({ authorizer, latencies }: GatewayParts, request: IncomingMessage): number {
  if (latencies === undefined || !authorizer.isOfRole(request.headers.authorization)) return 0;
  return latencies[isS3(request, undefined) ? 's3' : 'sqs'];
}

function pass(
  parts: GatewayParts,
  passages: WeakMap<IncomingMessage, ObjectPassage>,
  s3: S3Request,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { bucket, key, operation, requestClass } = s3;
  const limits = parts.limits.get(bucket);
  if (requestClass !== 'none' && limits?.admit(requestClass, key, parts.clock.now()) === false) {
    answerError(request, response, SLOW_DOWN);
    return;
  }
  const isWrite = requestClass === 'write';
  const fault = parts.faults.strike({ bucket, key, operation, isWrite }, parts.clock.now());
  if (fault !== undefined && strikeBefore(fault, request, response)) return;
  const refusal =
    denial(parts, s3, request) ??
    parts.owners.refusal(bucket, request.headers) ??
    unemulated(parts, s3) ??
    headerRefusal(s3, request) ??
    formRefusal(s3, request);
  if (refusal !== undefined) {
    answerError(request, response, refusal);
    return;
  }
  if (answerConfiguration(parts, s3, request, response)) return;
  const condition = writeCondition(operation, request.headers);
  if (condition !== undefined) {
    const claim = parts.conditionalWrites.begin(bucket, key);
    if (claim.kind === 'fails') {
      answerError(request, response, claim);
      return;
    }
    response.once('close', () => parts.conditionalWrites.end(bucket, key));
  }
  const passage = { s3, condition, fault };
  moveVersions(s3, request);
  if (parts.objectRequests.handles(operation)) {
    void parts.objectRequests.answer(passage, request, response);
    return;
  }
  avoidHealthPage(s3, request);
  hideContentType(s3, request);
  passages.set(request, passage);
  parts.app.routing(request, response);
}

function placeOf({ accountId, objectHeaders, objects, owners, region }: GatewayParts): S3Place {
  return {
    region,
    accountId,
    ownerOf: owners.ownerOf,
    keyOf({ bucket, key, versionId }) {
      const object = objects.at(bucket, key, versionId);
      return object === undefined ? undefined : objectHeaders.keyOf(object);
    },
  };
}

/** Why the sender may not do this; undefined where it may. */
function denial(parts: GatewayParts, s3: S3Request, { headers }: IncomingMessage): S3Fault | undefined {
  const { authorizer, clock, objects } = parts;
  if (isExpired(s3.query, clock.now()))
    return { status: 403, code: 'AccessDenied', message: 'Request has expired' };
  const authorization = headers.authorization ?? signerOfQuery(s3.query);
  if (!authorizer.isChecked(authorization)) return undefined;
  const reason = authorizer.deny(authorization, s3Access(s3, headers, placeOf(parts)));
  if (reason !== undefined) return { status: 403, code: 'AccessDenied', message: reason };
  const read = readPlace(s3, headers);
  if (read === undefined || objects.holds(read.bucket, read.key, read.versionId)) return undefined;
  return authorizer.deny(authorization, [listAccess(read.bucket, placeOf(parts))]) === undefined
    ? undefined
    : { status: 403, code: 'AccessDenied', message: 'Access Denied' };
}

/** What S3 does but this cloud does not, and what neither does. fauxqs would take it for another operation. */
function unemulated(
  { objectRequests, objects }: GatewayParts,
  { bucket, key, operation }: S3Request,
): S3Fault | undefined {
  if (bucket.length > MAX_BUCKET_CHARACTERS && !objects.hasBucket(bucket)) {
    return operation === 'CreateBucket' ? faultOf(400, 'InvalidBucketName') : faultOf(404, 'NoSuchBucket');
  }
  if (bucket.length > MAX_BUCKET_CHARACTERS_OF_FAUXQS && !objectRequests.handles(operation)) {
    return faultOf(501, 'NotImplemented');
  }
  if (key === '') return undefined;
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return faultOf(400, 'KeyTooLongError');
  if (objectRequests.handles(operation) || OBJECT_OPERATIONS_OF_FAUXQS.has(operation)) return undefined;
  const isMethod = operation === 'PostObject' || /^[A-Z]+$/.test(operation);
  return isMethod ? faultOf(405, 'MethodNotAllowed') : faultOf(501, 'NotImplemented');
}

/** A write that would go on as if the header were not there, and overwrite the object. S3 says the same of such an ETag. */
function headerRefusal({ operation }: S3Request, { headers }: IncomingMessage): S3Fault | undefined {
  const isAppending = operation === 'PutObject' && headers['x-amz-write-offset-bytes'] !== undefined;
  return isAppending || hasUnknownCondition(operation, headers) ? faultOf(501, 'NotImplemented') : undefined;
}

/** fauxqs would take it for a list of objects to delete. Text and status as S3 gives them. */
function formRefusal({ key, operation }: S3Request, { headers }: IncomingMessage): S3Fault | undefined {
  if (operation !== 'PostObject' || key !== '') return undefined;
  if (/^multipart\/form-data\b/i.test(headers['content-type'] ?? '')) return undefined;
  return {
    status: 412,
    code: 'PreconditionFailed',
    message: 'At least one of the pre-conditions you specified did not hold',
    condition: 'Bucket POST must be of the enclosure-type multipart/form-data',
  };
}

/** fauxqs' server refuses a body whose type it can't read; none of its operations but the form needs the type. */
function hideContentType({ operation }: S3Request, request: IncomingMessage): void {
  if (operation !== 'PostObject') delete request.headers['content-type'];
}

/** fauxqs takes a request for a bucket's configuration for a listing. True if it was answered here. */
function answerConfiguration(
  { objects, region, uploads }: GatewayParts,
  s3: S3Request,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { bucket, operation } = s3;
  if (!isConfiguration(operation)) return false;
  if (objects.getBucketType(bucket) === undefined) {
    answerError(request, response, faultOf(404, 'NoSuchBucket'));
  } else if (operation === 'GetBucketVersioning') {
    answerXml(request, response, versioningXml(objects.isVersioned(bucket)));
  } else if (operation === 'PutBucketVersioning') {
    objects.setVersioned(bucket);
    answerXml(request, response, '');
  } else if (operation === 'GetBucketLocation') {
    answerXml(request, response, locationXml(region));
  } else if (operation === 'GetMultipartUploads' && !s3.query.has('delimiter')) {
    answerXml(request, response, uploadsXml(uploads, s3));
  } else {
    answerError(request, response, faultOf(501, 'NotImplemented'));
  }
  return true;
}

function addS3Hooks(parts: GatewayParts, passages: WeakMap<IncomingMessage, ObjectPassage>): void {
  const { app, authorizer, clock, objects, objectHeaders, notifications } = parts;

  app.addHook('preHandler', (request, reply, done) => {
    objects.takeTouched();
    const passage = passages.get(request.raw);
    if (passage?.s3.operation === 'PostObject') {
      const { bucket } = passage.s3;
      const contentType = String(request.headers['content-type']);
      void refusalOfPost(
        { authorizer, clock, place: placeOf(parts) },
        bucket,
        request.body,
        contentType,
      ).then((refusal) => {
        // What was read of the form took turns in which other objects were written.
        objects.takeTouched();
        if (refusal === undefined) return done();
        reply.hijack();
        answerError(request.raw, reply.raw, refusal);
      });
      return;
    }
    if (passage?.s3.operation !== 'DeleteObjects') return done();
    // S3 refuses single keys; here the whole list is refused, so that a missing permission can't be overlooked.
    const denial = authorizer.deny(
      request.headers.authorization,
      deletionAccess(passage.s3.bucket, String(request.body), placeOf(parts)),
    );
    if (denial === undefined) return done();
    reply.hijack();
    answerError(request.raw, reply.raw, { status: 403, code: 'AccessDenied', message: denial });
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    const passage = passages.get(request.raw);
    if (passage === undefined) return done(null, payload);
    const { s3, fault } = passage;
    const touched = objects.takeTouched();
    if (touched !== undefined && reply.statusCode < 400 && s3.operation === 'PostObject') {
      objectHeaders.wrote(request.raw, touched.object, undefined);
      const requestId = String(reply.getHeader('x-amz-request-id'));
      notifications.objectCreated(s3.operation, touched, { address: request.ip, requestId });
    }
    if (fault === undefined) return done(null, payload);
    // fauxqs' handlers are async and return nothing: fastify would answer for them while the answer is held back.
    reply.hijack();
    const writeHead = () => reply.raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders);
    const answer = { request: request.raw, response: reply.raw, payload };
    strikeAfter(fault, answer, writeHead, () => done(null, payload));
  });
}

/** SQS is called with a target, STS and other services of the query protocol with a form that is posted to `/`. */
function isS3(request: IncomingMessage, bucket: string | undefined): boolean {
  if (request.method !== 'POST' || bucket !== undefined) return true;
  const url = request.url ?? '/';
  if (!url.startsWith('/')) return true;
  if (request.headers['x-amz-target'] !== undefined) return false;
  return (
    url.split('?', 1)[0] !== '/' || !(request.headers['content-type'] ?? '').includes('x-www-form-urlencoded')
  );
}

/** fauxqs takes the first label of any host with dots for a bucket. */
function hideHost(request: IncomingMessage): void {
  request.headers.host = `127.0.0.1:${request.socket.localPort}`;
}

/** The bucket of `BUCKET.localhost` moves into the path: limits and faults are by bucket. */
function usePathStyle(request: IncomingMessage, bucket: string | undefined): void {
  if (bucket !== undefined) request.url = `/${bucket}${request.url ?? '/'}`;
}

/** fauxqs knows no versions: they travel within its keys. */
function moveVersions({ bucket, key, operation, query }: S3Request, request: IncomingMessage): void {
  const copySource = request.headers['x-amz-copy-source'];
  if (typeof copySource === 'string') {
    request.headers['x-amz-copy-source'] = copySourceWithVersion(copySource).source;
  }
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

function count(meter: Meter, s3: S3Request, request: IncomingMessage, response: ServerResponse): void {
  const { statusCode } = response;
  const answered = response.writableFinished;
  const outcome =
    !answered || (statusCode >= 400 && statusCode !== 503)
      ? 'failed'
      : statusCode === 503
        ? 'throttled'
        : 'accepted';
  meter.s3({
    bucket: s3.bucket === '' ? '-' : s3.bucket,
    operation: s3.operation,
    isWrite: s3.requestClass === 'write',
    outcome,
    bytesIn: Number(
      request.headers['x-amz-decoded-content-length'] ?? request.headers['content-length'] ?? 0,
    ),
    bytesOut: request.method === 'HEAD' ? 0 : Number(response.getHeader('content-length') ?? 0),
  });
}
