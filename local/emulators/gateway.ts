// The gateway: one HTTP server for S3, SQS and EventBridge, with what fauxqs behind it lacks.
//
// An S3 request passes, in this order: the guard, the outages, the bucket's limits, the faults, the claim of a conditional write, the
// version moved into the path; then fauxqs reads its body and carries it out; then version headers, notifications and the meter.
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { buildApp } from 'fauxqs';
import type { Clock } from '../../shared/job/clock.ts';
import type { S3Fault } from '../faults/fault.ts';
import type { Outages } from '../faults/outages.ts';
import { type S3Faults, strikeAfter, strikeBefore } from '../faults/s3.ts';
import type { Guard } from '../guard/admission.ts';
import { createGuardedServer, type GuardedServerOptions } from '../guard/guarded-server.ts';
import {
  type ConditionalWrites,
  checkCondition,
  checkSource,
  type WriteCondition,
  writeCondition,
} from './conditional-writes.ts';
import type { EventBus } from './event-bus.ts';
import { answerPutEvents, isEventBridge } from './event-bus-http.ts';
import type { S3Object } from './fauxqs-parts.ts';
import type { Meter } from './meter.ts';
import type { Notifications } from './notifications.ts';
import { createObjectHeaders } from './object-headers.ts';
import type { ObjectStore } from './object-store.ts';
import {
  answerError,
  answerXml,
  errorXml,
  faultOf,
  locationXml,
  SLOW_DOWN,
  versioningXml,
} from './s3-answers.ts';
import type { S3Limits } from './s3-limits.ts';
import { isConfiguration, parseS3Request, type S3Request } from './s3-requests.ts';
import { copySourceWithVersion, keyWithVersion } from './versions.ts';

export interface GatewayParts {
  app: ReturnType<typeof buildApp>;
  bus: EventBus;
  clock: Clock;
  conditionalWrites: ConditionalWrites;
  faults: S3Faults;
  guard: Guard;
  limits: Map<string, S3Limits>;
  meter: Meter;
  notifications: Notifications;
  objects: ObjectStore;
  outages: Outages;
  region: string;
}

interface Passage {
  s3: S3Request;
  condition: WriteCondition | undefined;
  fault: S3Fault | undefined;
  /** What a copy is made from. */
  source?: S3Object | undefined;
}

/** Answers that name the version they are about. */
const VERSIONED_ANSWERS = new Set([
  'PutObject',
  'CopyObject',
  'CompleteMultipartUpload',
  'GetObject',
  'HeadObject',
]);

export function createGateway(parts: GatewayParts): Server {
  const passages = new WeakMap<IncomingMessage, Passage>();
  addS3Hooks(parts, passages);

  const serving: GuardedServerOptions = {
    guard: parts.guard,
    formOf: (request) => (isS3(request) ? 's3-xml' : 'aws-json'),
    keepAliveMs: 60_000,
  };
  return createGuardedServer(serving, (request, response, bucket) => {
    hideHost(request);
    if (isEventBridge(request)) return void answerPutEvents(parts, request, response);
    const service = isS3(request) ? 's3' : 'sqs';
    if (parts.outages.resets(service, request, response)) return;
    if (service === 'sqs') return parts.app.routing(request, response);
    usePathStyle(request, bucket);
    const s3 = parseS3Request({
      method: request.method ?? '',
      url: request.url ?? '/',
      headers: request.headers,
    });
    if (s3 === undefined) return parts.app.routing(request, response);
    response.once('close', () => count(parts.meter, s3, request, response));
    pass(parts, passages, s3, request, response);
  });
}

function pass(
  parts: GatewayParts,
  passages: WeakMap<IncomingMessage, Passage>,
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
  moveVersions(s3, request);
  avoidHealthPage(s3, request);
  passages.set(request, { s3, condition, fault });
  parts.app.routing(request, response);
}

/** fauxqs takes a request for a bucket's configuration for a listing. True if it was answered here. */
function answerConfiguration(
  { objects, region }: GatewayParts,
  { bucket, operation }: S3Request,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
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
  } else {
    answerError(request, response, faultOf(501, 'NotImplemented'));
  }
  return true;
}

function addS3Hooks(parts: GatewayParts, passages: WeakMap<IncomingMessage, Passage>): void {
  const { app, objects, notifications } = parts;
  const objectHeaders = createObjectHeaders();

  app.addHook('preHandler', (request, reply, done) => {
    objects.takeTouched();
    const passage = passages.get(request.raw);
    if (passage === undefined) return done();
    const { condition, s3 } = passage;
    const { bucket, key, operation } = s3;
    passage.source = copySourceOf(objects, request.raw);
    objects.takeTouched();
    let answer = checkSource(operation, request.headers, passage.source);
    if (answer.kind === 'holds' && condition !== undefined)
      answer = checkCondition(condition, objects.peek(bucket, key));
    if (answer.kind === 'holds') return done();
    const xml = errorXml(answer, `/${bucket}/${key}`, String(request.id));
    reply.code(answer.status).header('content-type', 'application/xml').send(xml);
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    const passage = passages.get(request.raw);
    if (passage === undefined) return done(null, payload);
    const { s3, fault, source } = passage;
    const touched = objects.takeTouched();
    if (touched !== undefined && reply.statusCode < 300) {
      if (s3.operation === 'PutObject' || s3.operation === 'CopyObject')
        objectHeaders.wrote(request.raw, touched.object, source);
      reply.headers(objectHeaders.of(s3, touched.object));
      if (touched.versionId !== undefined && VERSIONED_ANSWERS.has(s3.operation)) {
        reply.header('x-amz-version-id', touched.versionId);
      }
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

/** What has neither SQS's target nor STS's form is S3's. */
function isS3(request: IncomingMessage): boolean {
  if (request.method !== 'POST' || !(request.url ?? '/').startsWith('/')) return true;
  if (request.headers['x-amz-target'] !== undefined) return false;
  return !(request.headers['content-type'] ?? '').includes('x-www-form-urlencoded');
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
  if (versionId === null || !['GetObject', 'HeadObject', 'DeleteObject'].includes(operation)) return;
  const rest = new URLSearchParams(query);
  rest.delete('versionId');
  const path = encodeURIComponent(keyWithVersion(key, versionId)).replaceAll('%2F', '/');
  request.url = `/${encodeURIComponent(bucket)}/${path}${rest.size > 0 ? `?${rest}` : ''}`;
}

/** What a copy is made from, where it is there; its version has moved into the key. */
function copySourceOf(objects: ObjectStore, { headers }: IncomingMessage): S3Object | undefined {
  const header = headers['x-amz-copy-source'];
  if (typeof header !== 'string') return undefined;
  try {
    const [, bucket = '', key = ''] = /^\/?([^/]+)\/(.*)$/s.exec(decodeURIComponent(header)) ?? [];
    return objects.headObject(bucket, key);
  } catch {
    // fauxqs answers what is wrong with it.
    return undefined;
  }
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
