// Refuses what fauxqs has beside S3 and SQS: SNS, and its own pages that show queues. Deleting a list of versions is refused,
// too, since fauxqs would do something else.
import type { IncomingHttpHeaders } from 'node:http';
import type { buildApp } from 'fauxqs';
import { errorXml } from './s3-answers.ts';

/** Routes of its own; AWS has none of that name, so S3 takes the first segment for a bucket. */
const INSPECTION = '/_fauxqs/';
/** The one call of the query protocol that clients make here: to show whose credentials they have. */
const CALLER_IDENTITY = 'GetCallerIdentity';

const NO_BUCKET = { status: 404, code: 'NoSuchBucket', message: 'The specified bucket does not exist' };
const NO_VERSION_LIST = {
  status: 501,
  code: 'NotImplemented',
  message: 'The embedded S3 deletes versions one at a time: send a DeleteObject for each.',
};
const EMULATED =
  'Only S3, SQS in its JSON protocol, PutEvents of EventBridge and GetCallerIdentity of STS are emulated. DynamoDB has another port.';
const NO_ACTION =
  '<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>' +
  `<Message>${EMULATED}</Message></Error></ErrorResponse>`;
const NO_OPERATION = { __type: 'UnknownOperationException', message: EMULATED };

/** They answer 404, by the route that fauxqs' router has chosen: no spelling of the path gets around it. */
export function hideUnemulated(app: ReturnType<typeof buildApp>): void {
  app.addHook('preHandler', (request, reply, done) => {
    const route = request.routeOptions.url ?? '';
    if (route.startsWith(INSPECTION)) {
      reply.code(404).header('content-type', 'application/xml');
      reply.send(errorXml(NO_BUCKET, INSPECTION, String(request.id)));
    } else if (
      request.method === 'POST' &&
      route === '/' &&
      isQuery(request.headers) &&
      !asksForCaller(request.body)
    ) {
      reply.code(404).header('content-type', 'text/xml').send(NO_ACTION);
    } else if (request.method === 'POST' && route === '/' && isOfAnother(request.headers)) {
      reply.code(400).header('content-type', 'application/x-amz-json-1.0').send(NO_OPERATION);
    } else if (request.method === 'POST' && namesVersions(request.query, request.body)) {
      reply.code(NO_VERSION_LIST.status).header('content-type', 'application/xml');
      reply.send(errorXml(NO_VERSION_LIST, request.url.split('?')[0] ?? '', String(request.id)));
    } else {
      done();
    }
  });
}

/** The query protocol, in which SNS is called: a form. */
function isQuery({ 'content-type': type = '' }: { 'content-type'?: string | undefined }): boolean {
  return type.includes('application/x-www-form-urlencoded');
}

/** A call of another service than SQS, in AWS's JSON protocol. */
function isOfAnother({ 'x-amz-target': target }: IncomingHttpHeaders): boolean {
  return typeof target === 'string' && !target.startsWith('AmazonSQS.');
}

/** Whether DeleteObjects names versions. fauxqs reads the keys alone, and would delete the newest versions. */
function namesVersions(query: unknown, body: unknown): boolean {
  return Object.hasOwn(query ?? {}, 'delete') && /<VersionId\b/.test(String(body));
}

function asksForCaller(body: unknown): boolean {
  return (body as { Action?: unknown } | undefined)?.Action === CALLER_IDENTITY;
}
