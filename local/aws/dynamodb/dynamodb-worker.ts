// The worker thread of DynamoDB: dynalite behind a server that asks for consumed capacity, meters it, and has faults.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import dynalite from 'dynalite';
import { parseJson } from '../../../shared/text/parse-json.ts';
import { systemClock as clock } from '../../../shared/time/clock.ts';
import { createRandom } from '../../../shared/time/random.ts';
import {
  createDynamodbFaults,
  type DynamodbError,
  errorOf,
  NOTHING_PROCESSED,
  UNPROCESSED,
} from '../../faults/dynamodb.ts';
import { type Fault, isDynamodbFault } from '../../faults/fault.ts';
import { createOutages } from '../../faults/outages.ts';
import { createGuard } from '../../guard/admission.ts';
import { createGuardedServer, type GuardedServerOptions } from '../../guard/guarded-server.ts';
import { createAuthorizer } from '../../iam/authorizer.ts';
import { dynamodbAccess } from '../../iam/json-access.ts';
import type { EmulatorsOptions } from '../emulators.ts';
import { answerCalls } from '../worker-calls.ts';
import { createDynamodbMeter } from './dynamodb-meter.ts';
import { failedWriteOf, type Usage, usageOf } from './dynamodb-units.ts';

const options = workerData as EmulatorsOptions;
const meter = createDynamodbMeter({ clock });
const hashKeys = new Map<string, string>();
const indexKeys = new Map<string, string[][]>();
const emulator = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
/** Answers still owed: dynalite throws in callbacks, where the request is not known. */
const owed = new Set<ServerResponse>();
const faults = createDynamodbFaults(createRandom(options.seed + 4));
const outages = createOutages({ clock });
const guard = createGuard(options);
const authorizer = createAuthorizer(options.roles ?? []);
const worker = answerCalls({
  ownPorts: (ports: number[]) => guard.addOwnPorts(ports),
  access: () => authorizer.record(),
  meter: () => meter.read(),
  setFaults: (armed: Fault[]) => faults.arm(armed.filter(isDynamodbFault)),
  faultCounts: () => ({ ...faults.counts(), ...outages.counts() }),
  outage: ({ lastsMs }: { lastsMs: number }) => outages.begin('dynamodb', lastsMs),
});

const serving: GuardedServerOptions = {
  guard,
  formOf: () => 'aws-json',
  keepAliveMs: 60_000,
  latencyMs: ({ headers }) =>
    authorizer.isOfRole(headers.authorization) ? (options.latencies?.dynamodb ?? 0) : 0,
};
const server = createGuardedServer(serving, (request, response) => {
  if (outages.resets('dynamodb', request, response)) return;
  pass(request, response).catch((error: Error) =>
    worker.notify('failure', `dynamodb emulator: ${error.stack}`),
  );
});

async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const sent = await buffer(request).catch(() => undefined);
  if (sent === undefined) return; // the client went away
  const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
  const whole = objectIn(sent);
  if (operation === 'CreateTable') noteKeys(whole);
  const { authorization } = request.headers;
  const denial = authorizer.deny(authorization, dynamodbAccess(operation, whole ?? {}, hashKeys, options));
  if (denial !== undefined) {
    const type = 'com.amazon.coral.service#AccessDeniedException';
    return refuse(operation, errorOf(400, { type, message: denial }), response);
  }
  const fault = faults.forCall(operation);
  if (fault?.kind === 'refused') return refuse(operation, fault.answer, response);
  if (fault?.kind === 'dropped' && fault.when === 'before') return void request.socket.destroy();
  const part = whole && faults.takeUnprocessed(operation, whole);
  if (part !== undefined && Object.keys(part.call.RequestItems as object).length === 0) {
    return refuse(operation, NOTHING_PROCESSED, response);
  }
  const call = part?.call ?? whole;
  const wantsCapacity = (call?.ReturnConsumedCapacity ?? 'NONE') !== 'NONE';
  const asked =
    call === undefined || !takesCapacity(operation)
      ? sent
      : Buffer.from(JSON.stringify(wantsCapacity ? call : { ...call, ReturnConsumedCapacity: 'TOTAL' }));
  const left = part && { [UNPROCESSED.get(operation) ?? '']: part.unprocessed };

  owed.add(response);
  response.once('close', () => owed.delete(response));
  const end = response.end.bind(response);
  response.end = ((body?: string | Buffer) => {
    const answer = objectIn(body ?? '');
    const failed = response.statusCode >= 400;
    meter.add(operation, failed, unitsOf(operation, call ?? {}, answer ?? {}, failed));
    if (fault?.kind === 'dropped') {
      request.socket.destroy();
      return response;
    }
    if (failed || answer === undefined) return end(body);
    const { ConsumedCapacity, ...rest } = answer;
    if (left === undefined && (wantsCapacity || ConsumedCapacity === undefined)) return end(body);
    const text = Buffer.from(JSON.stringify({ ...(wantsCapacity ? answer : rest), ...left }));
    response.setHeader('content-length', text.length);
    response.setHeader('x-amz-crc32', crc32(text));
    return end(text);
  }) as typeof response.end;
  emulator.emit('request', asRequest(request, asked), response);
}

function unitsOf(
  operation: string,
  call: Record<string, unknown>,
  answer: Record<string, unknown>,
  failed: boolean,
): Usage[] {
  const keys = { hashKeys, indexKeys };
  if (!failed) return usageOf(operation, call, answer, keys);
  const refused = failedWriteOf(operation, call, answer, keys);
  if (refused === undefined) return [];
  return [{ ...refused, readUnits: 0, writeUnits: meter.lastWriteUnits(refused.table, refused.key) }];
}

function refuse(operation: string, { status, body }: DynamodbError, response: ServerResponse): void {
  meter.add(operation, true, []);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(body),
    'x-amz-crc32': crc32(body),
  });
  response.end(body);
}

/** The same request with another body. */
function asRequest({ method, url, headers }: IncomingMessage, body: Buffer): Readable {
  return Object.assign(Readable.from([body], { objectMode: false }), { method, url, headers });
}

function takesCapacity(operation: string): boolean {
  return /Item$|^Query$|^Scan$/.test(operation);
}

function noteKeys(call: Record<string, unknown> | undefined): void {
  type Schema = { AttributeName: string; KeyType: string }[];
  const table = String(call?.TableName);
  const hash = ((call?.KeySchema ?? []) as Schema).find(({ KeyType }) => KeyType === 'HASH');
  if (hash !== undefined) hashKeys.set(table, hash.AttributeName);
  const indexes = (call?.GlobalSecondaryIndexes ?? []) as { KeySchema: Schema }[];
  indexKeys.set(
    table,
    indexes.map(({ KeySchema }) => KeySchema.map(({ AttributeName }) => AttributeName)),
  );
}

function objectIn(body: string | Buffer): Record<string, unknown> | undefined {
  return parseJson(body.toString()) as Record<string, unknown> | undefined;
}

process.on('uncaughtException', (error) => {
  worker.notify('failure', `dynamodb emulator: ${error.stack ?? error.message}`);
  // As AWS would: 500, outcome unknown; the SDK tries again.
  for (const response of owed) {
    if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(
      '{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"emulator failure"}',
    );
  }
});
server.once('error', (error) => worker.notReady(error));
server.listen(options.ports?.dynamodb ?? 0, '127.0.0.1', () =>
  worker.ready((server.address() as AddressInfo).port),
);
