// From a URL to an object: its bytes are read first, and only then does a write take its turn at the destination.
//
//   wait for one of the host's connections ──▶ GET ──▶ room in memory ──▶ first parts
//        it ended within two parts    ──▶ one PUT of the bytes in memory
//        there is more, or too large  ──▶ a multipart upload, two parts in memory at once
//
// An object that goes back to the queue is read again in its next delivery. So once it is read, it waits longer in place for its
// turn than an item whose bytes cost nothing.
import type { S3Client } from '@aws-sdk/client-s3';
import { given, mergeAttributes } from '../../attributes/object-attributes.ts';
import { fitsInRequest } from '../../attributes/row-attributes.ts';
import type { Fault } from '../../aws/classify.ts';
import { type GiveBackCause, RETRIES_PER_ITEM } from '../../pacing/retry.ts';
import type { Clock } from '../../time/clock.ts';
import { createAskSource } from '../../transfer/ask-source.ts';
import { type Budget, createBudget } from '../../transfer/budget.ts';
import { type BytesWriter, createBytesWriter, writerOfBytes } from '../../transfer/bytes-writer.ts';
import { sendBy, type TransferEnd, type TransferItem, transferEnd } from '../../transfer/engine.ts';
import { KnownFault } from '../../transfer/known-fault.ts';
import { transferInParts } from '../../transfer/multipart.ts';
import { failedStep, type Step } from '../../transfer/multipart-steps.ts';
import { createMultipartWriter, type MultipartWriter } from '../../transfer/multipart-writer.ts';
import { type PartedWriter, withGuessedType } from '../../transfer/object-writer.ts';
import {
  type PacingDependencies,
  type RequestBounds,
  type RequestTally,
  sendPaced,
} from '../../transfer/paced-request.ts';
import { checkSize, openWebBody, type WebBody, type WebRead } from './body.ts';
import { MAX_CONNECTIONS_PER_HOST, type WebClient } from './client.ts';

/** S3 takes parts from 5 MiB. With 10,000 of them an object has 78 GiB, more than is read from the web. */
const PART_BYTES = 8 * 1024 ** 2;
const PARTS_AT_ONCE = 2;
/** Above it an object goes in parts. */
const MAX_WHOLE_BYTES = PARTS_AT_ONCE * PART_BYTES;
/** Bytes of all web sources in the memory of one worker: a quarter of upload's 1,024 MB (serverless.yml). */
const MAX_MEMORY_BYTES = 256 * 1024 ** 2;
/** Milliseconds that a read object waits for its turn, and between its tries: to read it again costs more. */
const READ_IN_PLACE_MS = 30_000;
/** Reads of one delivery, at most: a source that changes, or breaks without an ETag, is read from its start. */
const MAX_READS = 3;
/** Hosts that are paced apart, and whose connections are counted apart: a wildcard allows any number. The others share one. */
const MAX_HOSTS = 1_000;
/** An item that has not had a connection within its invocation comes again soon: it was not tried. */
const NO_CONNECTION_MS = 1_000;

interface Tools {
  client: WebClient;
  bytesWriter: BytesWriter;
  uploads: MultipartWriter;
  memory: Budget;
}

/** One delivery of an item. */
interface Delivery {
  read: WebRead;
  /** Under which its host is paced. */
  group: string;
  paced: PacingDependencies;
  item: TransferItem;
  bounds: RequestBounds;
  tally: RequestTally;
  /** What it holds of the memory. */
  room: { release(): void };
}

interface Reading {
  body: WebBody;
  /** Two whole parts where there may be more, else all there is. */
  first: Buffer[];
  isWhole: boolean;
}

export function createWebTransfers({ s3, clock }: { s3: S3Client; clock: Clock }, client: WebClient) {
  const tools: Tools = {
    client,
    bytesWriter: createBytesWriter(s3, clock),
    uploads: createMultipartWriter(s3),
    memory: createBudget(MAX_MEMORY_BYTES),
  };
  const connections = new Map<string, Budget>();

  /** No bucket's name holds a colon. */
  function groupOf(host: string): string {
    const group = `https:${host}`;
    return connections.has(group) || connections.size < MAX_HOSTS ? group : 'https:';
  }

  function connectionsOf(group: string): Budget {
    const known = connections.get(group) ?? createBudget(MAX_CONNECTIONS_PER_HOST);
    connections.set(group, known);
    return known;
  }

  return {
    writerOf: (read: WebRead): PartedWriter => ({
      async transfer(paced, item, bounds, tally) {
        const group = groupOf(read.url.hostname);
        // Kept to the item's end: a broken read is resumed without a wait.
        const release = await takeUntil(bounds.stopAtMs, clock, (cutOff) =>
          connectionsOf(group).take(1, cutOff),
        );
        if (release === undefined) return noConnection(paced);
        const room = { release: () => undefined };
        try {
          return await transfer(tools, { read, group, paced, item, bounds, tally, room });
        } finally {
          room.release();
          release();
        }
      },
    }),
  };
}

/** @returns undefined where it was not taken until then */
async function takeUntil(
  untilMs: number,
  clock: Clock,
  take: (cutOff: AbortSignal) => Promise<() => void>,
): Promise<(() => void) | undefined> {
  const cutOff = new AbortController();
  const taken = new AbortController();
  void clock.sleep(Math.max(0, untilMs - clock.now()), taken.signal).then(
    () => cutOff.abort(),
    () => undefined,
  );
  try {
    const release = await take(cutOff.signal);
    if (clock.now() < untilMs) return release;
    release();
    return undefined;
  } catch (error) {
    if (cutOff.signal.aborted) return undefined;
    throw error;
  } finally {
    taken.abort();
  }
}

async function transfer(tools: Tools, delivery: Delivery): Promise<TransferEnd> {
  for (let reads = 1; ; reads++) {
    const opened = await readFirst(tools, delivery);
    if (opened.kind === 'over') return opened.end;
    const reading = opened.value;
    try {
      return await store(tools, delivery, reading);
    } catch (error) {
      if (!(error instanceof KnownFault)) throw error;
      const end = endOfBrokenRead(error.fault, reads, delivery);
      if (end !== undefined) return end;
    } finally {
      reading.body.close();
    }
  }
}

/** Reads what may be held in memory, at the host's own pace. */
async function readFirst(tools: Tools, delivery: Delivery): Promise<Step<Reading>> {
  const { read, group, paced, item, bounds, tally } = delivery;
  const place = { bucket: group, key: read.url.pathname };
  const sent = await sendPaced<Step<Reading>>(
    paced,
    {
      destination: place,
      giveUpAtMs: item.giveUpAtMs,
      wasTried: item.wasTried,
      isHalted: item.isHalted,
      send: async (cutOff) => {
        const ask = createAskSource(paced, tally);
        const parts = { client: tools.client, clock: paced.clock, random: paced.random };
        const body = await openWebBody(parts, read, cutOff, (send) => ask(place, send));
        try {
          return { kind: 'value', value: await readParts(tools, delivery, body, cutOff) };
        } catch (error) {
          body.close();
          throw error;
        }
      },
      refused: async (fault) => (fault.kind === 'permanent' ? failedStep(fault) : undefined),
    },
    bounds,
    tally,
  );
  if (sent.kind === 'ended') return sent.answer;
  return { kind: 'over', end: transferEnd(sent, item.givenBack, paced.random) };
}

async function readParts(
  { memory }: Tools,
  { read, room }: Delivery,
  body: WebBody,
  cutOff: AbortSignal,
): Promise<Reading> {
  const { sizeBytes = MAX_WHOLE_BYTES } = body;
  // Of the read before, which broke off.
  room.release();
  room.release = await memory.take(Math.min(sizeBytes, MAX_WHOLE_BYTES), cutOff);
  if (body.sizeBytes !== undefined && body.sizeBytes < MAX_WHOLE_BYTES) {
    // In one piece: joining two would hold its bytes twice. Its end is read, too, so that the connection can be used again.
    const whole = await body.read(body.sizeBytes + 1);
    checkSize(whole.length, read.expected.sizeBytes, read.url.hostname);
    return { body, first: [whole], isWhole: true };
  }
  const first: Buffer[] = [];
  let bytes = 0;
  while (first.length < PARTS_AT_ONCE && bytes === first.length * PART_BYTES) {
    const part = await body.read(PART_BYTES);
    first.push(part);
    bytes += part.length;
  }
  const isWhole = bytes < MAX_WHOLE_BYTES || bytes === body.sizeBytes;
  if (isWhole) checkSize(bytes, read.expected.sizeBytes, read.url.hostname);
  return { body, first, isWhole };
}

async function store(tools: Tools, delivery: Delivery, reading: Reading): Promise<TransferEnd> {
  const { paced, item, bounds, tally } = delivery;
  const { contentType, contentEncoding } = reading.body;
  const encoded = given('contentEncoding', contentEncoding);
  const own = item.write.attributes ?? {};
  const merged = mergeAttributes({ ...encoded, ...given('contentType', contentType) }, own);
  // Ingest has checked the row's own headers. If the server's content type makes them too large, it is left out.
  const attributes = fitsInRequest(merged) ? merged : mergeAttributes(encoded, own);
  const write = withGuessedType({ ...item.write, attributes });
  bounds.budget.retries += RETRIES_PER_ITEM;
  if (reading.isWhole) {
    const writer = writerOfBytes(tools.bytesWriter, { ...write, bytes: takeWhole(reading) });
    return sendBy(writer, paced, { ...item, write }, { ...bounds, inPlaceMs: READ_IN_PLACE_MS }, tally);
  }
  const { giveUpAtMs, mayBeWritten, isHalted } = item;
  const parts = partsOf(delivery.read, reading);
  const report = await transferInParts(
    { ...paced, uploads: tools.uploads },
    { write, giveUpAtMs, mayBeWritten, isHalted, parts, partsAtOnce: PARTS_AT_ONCE },
    bounds,
    tally,
  );
  return report.end;
}

/** Empties the reading, so that its pieces are not in memory beside the whole while that is written. */
function takeWhole({ first }: Reading): Buffer {
  const pieces = first.splice(0);
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}

async function* partsOf({ url, expected }: WebRead, { body, first }: Reading): AsyncGenerator<Buffer> {
  let bytes = 0;
  for (let part = first.shift(); part !== undefined && part.length > 0; ) {
    bytes += part.length;
    yield part;
    part = first.shift() ?? (await body.read(PART_BYTES));
  }
  checkSize(bytes, expected.sizeBytes, url.hostname);
}

/** @returns undefined where it is read again, from its start */
function endOfBrokenRead(
  fault: Fault,
  reads: number,
  { paced: { clock, random }, item, bounds }: Delivery,
): TransferEnd | undefined {
  const { kind, code, message, retryAfterMs } = fault;
  const isLast = reads === MAX_READS;
  if (kind === 'permanent' || (kind === 'source-changed' && isLast)) return { kind: 'failed', code, message };
  if (clock.now() >= item.giveUpAtMs) return transferEnd({ kind: 'given-up', fault }, item.givenBack, random);
  if (!isLast && retryAfterMs === undefined && clock.now() < bounds.stopAtMs) return undefined;
  const cause: GiveBackCause =
    retryAfterMs === undefined ? { kind: 'refused' } : { kind: 'told', afterMs: retryAfterMs };
  return transferEnd({ kind: 'unfinished', cause }, item.givenBack, random);
}

function noConnection({ random }: PacingDependencies): TransferEnd {
  return transferEnd({ kind: 'unfinished', cause: { kind: 'shed', turnInMs: NO_CONNECTION_MS } }, 0, random);
}
