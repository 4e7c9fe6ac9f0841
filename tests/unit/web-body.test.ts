// The bytes of a web object as they are held in memory, from a client that gives them by hand.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { openWebBody } from '../../shared/sources/https/body.ts';
import type { WebClient } from '../../shared/sources/https/client.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createHandClock } from '../helpers/hand-clock.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const RECORD_BYTES = 16 * 1024;
const SIZE = 20_000;

it('holds no more than its bytes where a server sends them one by one', async () => {
  let sent = 0;
  // Each byte lies in a buffer of its own, as one of a TLS record does.
  const records: WeakRef<ArrayBufferLike>[] = [];
  const client: WebClient = {
    get: async () => ({
      host: 'files.example.com',
      status: 200,
      headers: { 'transfer-encoding': 'chunked' },
      async read() {
        if (sent === SIZE) return undefined;
        const record = Buffer.allocUnsafeSlow(RECORD_BYTES);
        record[0] = sent % 251;
        if (sent % 100 === 0) records.push(new WeakRef(record.buffer));
        sent++;
        // A WeakRef holds its target until the turn of the event loop ends.
        if (sent % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
        return record.subarray(0, 1);
      },
      close: () => undefined,
    }),
  };
  const body = await openWebBody(
    { client, clock: createHandClock(), random: createRandom(1) },
    { url: new URL('https://files.example.com/a'), expected: {}, mostBytes: SIZE },
    new AbortController().signal,
  );

  const bytes = await body.read(SIZE * 2);

  expect(bytes.length).toBe(SIZE);
  expect(bytes.every((byte, at) => byte === at % 251)).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  const held = records.filter((record) => record.deref() !== undefined);
  expect(held.length).toBeLessThan(records.length / 10);
});
