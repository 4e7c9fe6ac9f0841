// What the gateway adds to fauxqs' SQS actions: lineage and system attributes, faults, and the meter's figures.
import type { IncomingMessage } from 'node:http';
import type { buildApp } from 'fauxqs';
import type { EntryRefusal, SqsFaults } from '../../faults/sqs.ts';
import type { Authorizer } from '../../iam/authorizer.ts';
import { sqsAccess } from '../../iam/json-access.ts';
import type { Meter } from '../../meter/meter.ts';
import { sendingRequest } from './lineage.ts';
import type { QueueStore } from './queue-store.ts';
import type { StandardQueue } from './standard-queue.ts';

const TARGET = 'AmazonSQS.';

interface Call {
  action: string;
  queue: StandardQueue | undefined;
  body: Record<string, unknown>;
  failed: BatchFailure[];
  /** Its answer is lost. */
  dropped: boolean;
}

interface BatchFailure {
  Id: string;
  SenderFault: boolean;
  Code: string;
  Message: string;
}

interface Dependencies {
  region: string;
  accountId: string;
  authorizer: Authorizer;
  queues: QueueStore;
  faults: SqsFaults;
  meter: Meter;
}

export function addSqsHooks(
  app: ReturnType<typeof buildApp>,
  { queues, faults, meter, authorizer, ...place }: Dependencies,
): void {
  const calls = new WeakMap<IncomingMessage, Call>();

  app.addHook('preHandler', (request, reply, done) => {
    const target = request.headers['x-amz-target'];
    if (typeof target !== 'string' || !target.startsWith(TARGET)) return done();
    if (!isCall(request.body)) return refuse(reply, 400, NO_CALL);
    const body = request.body;
    const action = target.slice(TARGET.length);
    const queue = typeof body.QueueUrl === 'string' ? queues.getQueue(body.QueueUrl) : undefined;
    const call: Call = { action, queue, body, failed: [], dropped: false };
    calls.set(request.raw, call);
    const { authorization } = request.headers;
    const denial = authorizer.deny(authorization, sqsAccess(action, queue?.name, place));
    if (denial !== undefined) {
      return refuse(reply, 400, { code: 'AccessDenied', message: denial, senderFault: true });
    }
    const fault = faults.forCall(action, queue?.name ?? '');
    if (fault?.kind === 'sqs-error') {
      const code = fault.status === 500 ? 'InternalFailure' : 'ServiceUnavailable';
      return refuse(reply, fault.status, { code, message: code, senderFault: false });
    }
    if (fault?.kind === 'sqs-drop') {
      if (fault.when === 'before') return void request.raw.socket.destroy();
      call.dropped = true;
    }
    if (queue !== undefined && (action === 'SendMessage' || action === 'SendMessageBatch')) {
      queue.sending = sendingRequest(request.headers, body);
    }
    if (Array.isArray(body.Entries) && body.Entries.length > 0) {
      const entries = takeOutFailed(body.Entries, call, faults);
      body.Entries = entries;
      if (entries.length === 0) {
        reply.header('content-type', 'application/x-amz-json-1.0').send({ Successful: [], Failed: [] });
        return;
      }
    } else if (body.ReceiptHandle !== undefined) {
      const refusal = faults.forEntry(action, queue?.name ?? '');
      if (refusal !== undefined) return refuse(reply, 400, refusal);
    }
    done();
  });

  app.addHook('preSerialization', (request, _reply, payload, done) => {
    const call = calls.get(request.raw);
    if (call === undefined || typeof payload !== 'object' || payload === null) return done(null, payload);
    if (call.queue !== undefined) call.queue.sending = undefined;
    const answer = payload as { Messages?: ReceivedMessage[]; Failed?: BatchFailure[] };
    if (call.action === 'ReceiveMessage') addSystemAttributes(call, answer.Messages ?? []);
    if (call.failed.length > 0) answer.Failed = [...(answer.Failed ?? []), ...call.failed];
    done(null, answer);
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    const call = calls.get(request.raw);
    if (call !== undefined) {
      const answered = typeof payload === 'string' ? payload : '';
      const sent = Number(request.headers['content-length'] ?? 0);
      const failed = reply.statusCode >= 400;
      meter.sqs({
        action: call.action,
        queue: call.queue?.name ?? '-',
        failed,
        // The JSON around the bodies is counted too: some percent more than AWS would bill above 64 KB.
        payloadBytes: call.action === 'ReceiveMessage' ? answered.length : sent,
        messages: failed ? 0 : messagesIn(call, answered),
      });
    }
    if (call?.dropped === true) request.raw.socket.destroy();
    else done(null, payload);
  });
}

/** What of fastify's reply is used here. */
interface Reply {
  code(status: number): Reply;
  header(name: string, value: string): Reply;
  send(payload: object): unknown;
}

/** fauxqs takes every body for an object that names its queue, if any, by a text. */
function isCall(body: unknown): body is Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  return ['undefined', 'string'].includes(typeof (body as { QueueUrl?: unknown }).QueueUrl);
}

const NO_CALL: EntryRefusal = {
  code: 'SerializationException',
  message: 'The body is no JSON object whose QueueUrl, if any, is a string.',
  senderFault: true,
};

/** As SQS answers in its JSON protocol; older clients read the header. */
function refuse(reply: Reply, status: number, { code, message, senderFault }: EntryRefusal): void {
  reply
    .code(status)
    .header('content-type', 'application/x-amz-json-1.0')
    .header('x-amzn-query-error', `${code};${senderFault ? 'Sender' : 'Receiver'}`)
    .send({ __type: `com.amazonaws.sqs#${code}`, message });
}

interface ReceivedMessage {
  ReceiptHandle: string;
  Attributes?: Record<string, string>;
}

function takeOutFailed(entries: unknown[], call: Call, faults: SqsFaults): unknown[] {
  return entries.filter((entry) => {
    const refusal = faults.forEntry(call.action, call.queue?.name ?? '');
    if (refusal === undefined) return true;
    call.failed.push({
      Id: String((entry as { Id?: unknown }).Id),
      SenderFault: refusal.senderFault,
      Code: refusal.code,
      Message: refusal.message,
    });
    return false;
  });
}

/** Those that fauxqs does not know of. */
function addSystemAttributes({ queue, body }: Call, messages: ReceivedMessage[]): void {
  const names = [body.AttributeNames, body.MessageSystemAttributeNames].flat();
  const wants = (name: string): boolean => names.includes('All') || names.includes(name);
  for (const message of messages) {
    const stored = queue?.inflightMessages.get(message.ReceiptHandle)?.message;
    const more: Record<string, string> = {};
    if (stored?.traceHeader !== undefined && wants('AWSTraceHeader'))
      more.AWSTraceHeader = stored.traceHeader;
    if (stored?.deadLetterSourceArn !== undefined && wants('DeadLetterQueueSourceArn')) {
      more.DeadLetterQueueSourceArn = stored.deadLetterSourceArn;
    }
    if (Object.keys(more).length > 0) message.Attributes = { ...message.Attributes, ...more };
  }
}

function messagesIn({ action, body, failed }: Call, answered: string): number {
  if (action === 'ReceiveMessage') return answered.split('"ReceiptHandle":').length - 1;
  if (Array.isArray(body.Entries)) return body.Entries.length;
  return failed.length === 0 && (action === 'SendMessage' || action === 'DeleteMessage') ? 1 : 0;
}
