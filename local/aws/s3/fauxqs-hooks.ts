// What comes before and after fauxqs' own handlers: permissions of what a body names, notifications, faults.
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { strikeAfter } from '../../faults/s3.ts';
import { deletionAccess } from '../../iam/s3-access.ts';
import type { GatewayParts } from '../gateway.ts';
import type { ObjectPassage } from './object-requests.ts';
import { refusalOfPost } from './post-policy.ts';
import { accessDenied, answerError, type S3Fault } from './s3-answers.ts';

/** @param passages of the requests that are on their way through fauxqs */
export function addS3Hooks(
  { app, authorizer, clock, notifications, objectHeaders, objects, permissions }: GatewayParts,
  passages: WeakMap<IncomingMessage, ObjectPassage>,
): void {
  const { place } = permissions;

  app.addHook('preHandler', (request, reply, done) => {
    objects.takeTouched();
    const end = (refusal: S3Fault | undefined): void => {
      if (refusal === undefined) {
        done();
        return;
      }
      reply.hijack();
      answerError(request.raw, reply.raw, refusal);
    };
    const { s3 } = passages.get(request.raw) ?? {};
    if (s3?.operation === 'PostObject') {
      const contentType = String(request.headers['content-type']);
      void refusalOfPost({ authorizer, clock, place }, s3.bucket, request.body, contentType).then(
        (refusal) => {
          // Other objects may have been written while the form was read.
          objects.takeTouched();
          end(refusal);
        },
      );
    } else if (s3?.operation === 'DeleteObjects') {
      // S3 refuses single keys; here the whole list is refused, so that a missing permission can't be overlooked.
      const asked = deletionAccess(s3.bucket, String(request.body), place);
      const denial = authorizer.deny(request.headers.authorization, asked);
      end(denial === undefined ? undefined : accessDenied(denial));
    } else {
      done();
    }
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
