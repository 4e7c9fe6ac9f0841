// Outcomes in both of their places, on an in-process DynamoDB and S3 in memory.
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import type { OutcomeRecord } from '../../shared/report/outcome.ts';
import { createOutcomeFiles } from '../../shared/report/outcome-files.ts';
import { createOutcomeRows } from '../../shared/report/outcome-rows.ts';
import { createOutcomeStore } from '../../shared/report/outcome-store.ts';
import { encodeOutcomes } from '../../shared/report/outcome-text.ts';
import { createRandom } from '../../shared/time/random.ts';
import { decodeOutcomes } from '../helpers/decode-outcomes.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { startLedgerTable } from '../helpers/ledger-table.ts';
import { anOutcome, JOB_ID } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const REPORTS = 'reports';
const DAY_SECONDS = 86_400;

const tables = duringTests(startLedgerTable);

/** Each test has slices of its own. */
let slices = 0;

function start() {
  const clock = createVirtualClock();
  const s3 = createMemoryS3();
  const rows = createOutcomeRows({ dynamodb: tables.dynamodb, table: tables.outcomes, clock, keepDays: 100 });
  const files = createOutcomeFiles({ s3: s3.client, bucket: REPORTS });
  const store = createOutcomeStore({ files, rows });
  const slice = { job: JOB_ID, slice: slices++ };
  const found = async () => {
    const stored = await store.list(slice);
    const read = await Promise.all(
      stored.map(async (each) => decodeOutcomes(await store.read(each), 'test')),
    );
    return { kinds: stored.map(({ kind }) => kind), records: read.flat() };
  };
  return { clock, s3, rows, store, slice, found };
}

const random = createRandom(7);
/** Text that does not compress. */
const noise = (length: number) =>
  Array.from({ length }, () => String.fromCharCode(33 + Math.floor(random() * 90))).join('');
const outcomes = (count: number, etagLength = 32): OutcomeRecord[] =>
  Array.from({ length: count }, (_, number) => anOutcome({ number, etag: noise(etagLength) }));

describe('the outcomes of an invocation', () => {
  it('are a row where they are few', async () => {
    const { s3, slice, store, found } = start();
    const few = outcomes(20);
    await store.write(slice, 'a', few);
    expect(await found()).toEqual({ kinds: ['row'], records: few });
    expect(s3.keys(REPORTS)).toEqual([]);
  });

  it('are a file where they are many', async () => {
    const { s3, slice, store, found } = start();
    const many = outcomes(200);
    await store.write(slice, 'a', many);
    expect(await found()).toEqual({ kinds: ['file'], records: many });
    expect(s3.keys(REPORTS)).toEqual([`outcomes/${JOB_ID}/${slice.slice}/a.ndjson.zst`]);
  });

  it('are found in both places, with plain files of an earlier version', async () => {
    const { s3, slice, store, found } = start();
    await store.write(slice, 'few', outcomes(1));
    await store.write(slice, 'many', outcomes(200));
    s3.write(
      REPORTS,
      `outcomes/${JOB_ID}/${slice.slice}/old.ndjson`,
      `${JSON.stringify(anOutcome({ number: 7 }))}\n`,
    );
    const { kinds, records } = await found();
    expect(kinds.toSorted()).toEqual(['file', 'file', 'row']);
    expect(records).toHaveLength(202);
  });

  it('are written once under the same name', async () => {
    const { slice, store, found } = start();
    const same = outcomes(3);
    await store.write(slice, 'a', same);
    await store.write(slice, 'a', same);
    expect((await found()).records).toEqual(same);
  });

  it('are not those of another slice', async () => {
    const { slice, store, found } = start();
    await store.write({ ...slice, slice: slice.slice * 1_000 + 999 }, 'a', outcomes(3));
    expect((await found()).records).toEqual([]);
  });

  it('are all found where they fill many pages', async () => {
    const { slice, rows, found } = start();
    // DynamoDB answers a query with 1 MB at most.
    const bytes = encodeOutcomes(outcomes(1, 200_000));
    const names = Array.from({ length: 40 }, (_, index) => `writer-${index}`);
    for (const name of names) await rows.write(slice, name, bytes);
    expect((await found()).records).toHaveLength(names.length);
  });

  it('are kept as long as files', async () => {
    const { clock, slice, store } = start();
    await store.write(slice, 'a', outcomes(1));
    const found = await Promise.all(
      [0, 1, 2, 3].map((shard) =>
        tables.dynamodb.send(
          new GetItemCommand({
            TableName: tables.outcomes,
            Key: { pk: { S: `${JOB_ID}/${slice.slice}/${shard}` }, name: { S: 'a' } },
          }),
        ),
      ),
    );
    const expiresAt = Math.floor(clock.now() / 1000) + 100 * DAY_SECONDS;
    expect(found.flatMap(({ Item }) => Item?.['expiresAt']?.N ?? [])).toEqual([String(expiresAt)]);
  });
});

describe('the text of outcomes', () => {
  it('is read again, whatever bytes it has', () => {
    const odd = [anOutcome({ code: 'é\u2028', message: '\u0000🎉' })];
    expect(decodeOutcomes(encodeOutcomes(odd), 'test')).toEqual(odd);
    expect(decodeOutcomes(encodeOutcomes([]), 'test')).toEqual([]);
    expect(decodeOutcomes(new Uint8Array(), 'test')).toEqual([]);
  });

  it('names the place where it is damaged', () => {
    const whole = encodeOutcomes(outcomes(50));
    expect(() => decodeOutcomes(whole.subarray(0, whole.length / 2), 'the place')).toThrow(
      /^the outcomes at the place are damaged: its compressed text can't be read .*Restore them/,
    );
  });

  it('takes less than half of its bytes', () => {
    const records = outcomes(80);
    const plain = JSON.stringify(records).length;
    expect(encodeOutcomes(records).length).toBeLessThan(plain / 2);
  });
});
