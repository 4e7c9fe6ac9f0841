// The gateway: one HTTP server for S3, SQS, EventBridge and Lambda's API, with what fauxqs behind it lacks.
//
// An S3 request passes, in this order: the guard, the outages, the bucket's limits, the faults, the sender's permissions, the
// claim of a conditional write. Reads and writes of objects are carried out by s3/object-requests.ts, the rest by fauxqs; the meter comes last.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { buildApp } from 'fauxqs';
import type { Clock } from '../../shared/time/clock.ts';
import type { Outages } from '../faults/outages.ts';
import { type S3Faults, strikeBefore } from '../faults/s3.ts';
import type { Guard } from '../guard/admission.ts';
import { createGuardedServer, type GuardedServerOptions } from '../guard/guarded-server.ts';
import type { Authorizer } from '../iam/authorizer.ts';
import type { Latencies } from '../meter/latencies.ts';
import type { Meter } from '../meter/meter.ts';
import type { EventBus } from './eventbridge/event-bus.ts';
import { answerPutEvents, isEventBridge } from './eventbridge/event-bus-http.ts';
import { answerLambdaApi, isLambdaApi, type LambdaAnswer, type LambdaCall } from './lambda/lambda-http.ts';
import { answerConfiguration } from './s3/bucket-configuration.ts';
import { type ConditionalWrites, writeCondition } from './s3/conditional-writes.ts';
import { answerFauxqsErrors } from './s3/fauxqs-errors.ts';
import { addS3Hooks } from './s3/fauxqs-hooks.ts';
import { suitFauxqs } from './s3/fauxqs-requests.ts';
import type { MultipartUploads } from './s3/multipart-uploads.ts';
import type { Notifications } from './s3/notifications.ts';
import type { ObjectHeaders } from './s3/object-headers.ts';
import type { ObjectPassage, ObjectRequests } from './s3/object-requests.ts';
import type { ObjectStore } from './s3/object-store.ts';
import type { BucketOwners } from './s3/owners.ts';
import { answerParserErrors } from './s3/parser-errors.ts';
import type { S3Permissions } from './s3/permissions.ts';
import { refusalOf } from './s3/refusals.ts';
import { answerError, faultOf, SLOW_DOWN } from './s3/s3-answers.ts';
import type { S3Limits } from './s3/s3-limits.ts';
import { parseS3Request, type S3Request } from './s3/s3-requests.ts';

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
  permissions: S3Permissions;
  region: string;
  uploads: MultipartUploads;
}

/** A body of 5 GiB at 1 MB a second, from a busy or slow disk, takes an hour and a half. Node's own limit is 5 minutes. */
const REQUEST_TIMEOUT_MS = 2 * 60 * 60 * 1000;

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
    // fauxqs takes the first label of any host with dots for a bucket.
    request.headers.host = `127.0.0.1:${request.socket.localPort}`;
    if (isLambdaApi(request)) return void answerLambdaApi(parts, request, response);
    if (isEventBridge(request)) return void answerPutEvents(parts, request, response);
    const service = isS3(request, bucket) ? 's3' : 'sqs';
    if (parts.outages.resets(service, request, response)) return;
    if (service === 'sqs') return parts.app.routing(request, response);
    // The bucket of `BUCKET.localhost` moves into the path: limits and faults are by bucket.
    if (bucket !== undefined) request.url = `/${bucket}${request.url ?? '/'}`;
    const s3 = parseS3Request({
      method: request.method ?? '',
      url: request.url ?? '/',
      headers: request.headers,
    });
    if (s3 === undefined) return answerError(request, response, faultOf(400, 'InvalidURI'));
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
    parts.permissions.refusal(s3, request.headers) ??
    parts.owners.refusal(s3, request.headers) ??
    refusalOf(parts, s3, request.headers);
  if (refusal !== undefined) {
    answerError(request, response, refusal);
    return;
  }
  if (answerConfiguration(parts, s3, request, response)) return;
  const condition = writeCondition(operation, request.headers);
  if (condition !== undefined) {
    const conflict = parts.conditionalWrites.begin(bucket, key);
    if (conflict !== undefined) {
      answerError(request, response, conflict);
      return;
    }
    response.once('close', () => parts.conditionalWrites.end(bucket, key));
  }
  const passage = { s3, condition, fault };
  if (parts.objectRequests.handles(operation)) {
    void parts.objectRequests.answer(passage, request, response);
    return;
  }
  suitFauxqs(s3, request);
  passages.set(request, passage);
  parts.app.routing(request, response);
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

function count(meter: Meter, s3: S3Request, request: IncomingMessage, response: ServerResponse): void {
  meter.s3({
    bucket: s3.bucket === '' ? '-' : s3.bucket,
    operation: s3.operation,
    isWrite: s3.requestClass === 'write',
    outcome: outcomeOf(response),
    bytesIn: Number(
      request.headers['x-amz-decoded-content-length'] ?? request.headers['content-length'] ?? 0,
    ),
    bytesOut: request.method === 'HEAD' ? 0 : Number(response.getHeader('content-length') ?? 0),
  });
}

function outcomeOf({ statusCode, writableFinished }: ServerResponse): 'failed' | 'throttled' | 'accepted' {
  if (!writableFinished) return 'failed';
  if (statusCode === 503) return 'throttled';
  return statusCode >= 400 ? 'failed' : 'accepted';
}
