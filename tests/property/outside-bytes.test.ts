// Whatever bytes come from outside, each parser answers: with a value, or with a clear failure. None throws what it does not
// name, none hangs, and no answer grows beyond its bounds. The formats of manifests have the same rule in
// tests/contract/formats.test.ts and manifest.test.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRecord } from '../../functions/ingest/read-record.ts';
import { parseRedriveOrder } from '../../shared/job/redrive-order.ts';
import { readJobRow, writeJobRow } from '../../shared/ledger/job-row-format.ts';
import { type Attributes, readBlockRow, readSliceGroupRow, readSliceRow } from '../../shared/ledger/rows.ts';
import { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';
import { conversionFor } from '../../shared/manifest/conversions/all.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { parseArrivals } from '../../shared/queue/arrivals.ts';
import {
  messageBody,
  parseIngestMessage,
  parseSettleMessage,
  parseUploadMessage,
} from '../../shared/queue/messages.ts';
import { rowsOf } from '../helpers/manifest-bytes.ts';
import { anyValue, codePoint, mutated, nested } from '../helpers/outside-values.ts';
import { aJob, anEndedJob, anUnopenedJob, anUploadMessage, JOB_ID } from '../helpers/records.ts';

/** Fixed, so that a run fails for the code alone and not for its luck. */
const RUNS = { seed: 12, numRuns: 500 };
/** Bytes of UTF-8 of one reason, with what stands around a bounded text. */
const MAX_REASON_BYTES = 3 * 1024;

const NOTIFICATION = {
  Records: [
    {
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'inbox' }, object: { key: 'a+b.csv', versionId: 'v1', size: 3 } },
    },
  ],
};
const ORDER = { redriveOf: JOB_ID, report: `s3://reports/jobs/${JOB_ID}/manifest.json` };
const SAMPLES: readonly unknown[] = [
  JSON.parse(messageBody(anUploadMessage())),
  { v: 1, kind: 'slice', job: JOB_ID, slice: 3 },
  { v: 1, job: JOB_ID, slice: 0, buried: 1 },
  NOTIFICATION,
  { Event: 's3:TestEvent' },
  ORDER,
];

const body = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...SAMPLES), anyValue, fc.nat(20))
      .map(([sample, change, at]) => JSON.stringify(mutated(sample, change, at)) ?? ''),
  },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: codePoint }) },
  { weight: 1, arbitrary: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('utf8')) },
  { weight: 1, arbitrary: nested },
);

const isBounded = (reason: string) => {
  expect(reason).not.toBe('');
  expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(MAX_REASON_BYTES);
};

describe('a message', () => {
  it.each([
    ['of upload', parseUploadMessage],
    ['of ingest', parseIngestMessage],
    ['of settle', parseSettleMessage],
  ] as const)('%s is read, or unreadable for a bounded reason', (_, parse) => {
    fc.assert(
      fc.property(body, (text) => {
        const parsed = parse(text);
        if (parsed.kind === 'unreadable') isBounded(parsed.reason);
        // What was read is the message: it reads the same again.
        else expect(parse(messageBody(parsed.message))).toEqual(parsed);
      }),
      RUNS,
    );
  });

  it('of the ingest queue is one of ours, a notification, or an error with both reasons', () => {
    fc.assert(
      fc.property(body, (text) => {
        try {
          expect(['message', 'arrivals']).toContain(readRecord(text, { inbox: 'inbox' }).kind);
        } catch (error) {
          expect((error as Error).message).toMatch(/^neither a message of ours \(/);
          isBounded((error as Error).message);
        }
      }),
      RUNS,
    );
  });
});

describe("S3's notification", () => {
  it('gives arrivals, or a bounded reason', () => {
    const json = fc.tuple(anyValue, fc.nat(12)).map(([change, at]) => mutated(NOTIFICATION, change, at));
    fc.assert(
      fc.property(fc.oneof(json, anyValue), (value) => {
        const parsed = parseArrivals(value, { inbox: 'inbox' });
        if (parsed.kind === 'not-a-notification') isBounded(parsed.reason);
      }),
      RUNS,
    );
  });
});

describe('an order for a redrive', () => {
  it('is an order within the report bucket, or invalid for a bounded reason', () => {
    fc.assert(
      fc.property(body, (text) => {
        const parsed = parseRedriveOrder(text, 'reports');
        if (parsed.kind === 'invalid') isBounded(parsed.message);
        else
          expect(parsed.report).toMatchObject({ bucket: 'reports', key: expect.stringMatching(/^jobs\//) });
      }),
      RUNS,
    );
  });
});

describe('a row of the ledger', () => {
  const attribute = fc.oneof(
    fc.record({ S: fc.oneof(fc.json(), fc.string(), nested, fc.constantFrom('null', '[]', '{}', '5')) }),
    fc.record({ N: fc.oneof(fc.integer().map(String), fc.constantFrom('', 'x', '1e999', '-1')) }),
    fc.record({ NS: fc.array(fc.integer().map(String)) }),
    fc.constant({ NULL: true }),
    fc.constant(undefined),
  );
  const rows = [writeJobRow(aJob()), writeJobRow(anUnopenedJob()), { pk: { S: 'J#x' } }];
  const names = [
    'frozen',
    'state',
    'control',
    'ending',
    'fault',
    'plan',
    'slices',
    'startedAtMs',
    'deadlineMs',
  ];
  const others = [
    'haltedAtMs',
    'totals',
    'report',
    'endedAtMs',
    'progress',
    'settledGroups',
    'resumedAtMs',
    'rate',
  ];
  const states = fc.constantFrom(
    'planning',
    'running',
    'completed',
    'failed',
    'cancelled',
    anEndedJob().state,
  );
  const jobRow = fc
    .tuple(fc.constantFrom(...rows), fc.dictionary(fc.constantFrom(...names, ...others), attribute), states)
    .map(([row, changes, state]) => {
      const changed = { ...row, state: { S: state }, ...changes };
      return Object.fromEntries(
        Object.entries(changed).filter(([, value]) => value !== undefined),
      ) as Attributes;
    });

  it('of a job is read, or is an error that names it', () => {
    fc.assert(
      fc.property(jobRow, (row) => {
        try {
          const job = readJobRow(row);
          expect(job).toHaveProperty('state');
          // A changed rate stands in for the frozen one, and for nothing else.
          if (row['rate'] === undefined || job.options === undefined) return;
          const { rate: _, ...unchanged } = row;
          const { maxRatePerSecond, maxBytesPerSecond, ...others } = job.options;
          expect(readJobRow(unchanged).options).toMatchObject(others);
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableRowError);
          isBounded((error as Error).message);
        }
      }),
      { ...RUNS, numRuns: 2_000 },
    );
  });

  it('of a slice, a block or a group is read, or is an error that names it', () => {
    const fields = ['size', 'done', 'rows', 'result', 'file', 'counts', 'sent', 'startOffset', 'settled'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...fields), attribute), (changes) => {
        const row = { pk: { S: `S#${JOB_ID}#1` }, ...changes } as unknown as Attributes;
        readBlockRow(row);
        readSliceGroupRow(row);
        try {
          readSliceRow(row);
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableRowError);
        }
      }),
      RUNS,
    );
  });
});

describe('a manifest of any bytes', () => {
  // Where the time went by the square of the length, one of these took minutes.
  it.each(['', '{', '{"', '[', '[{', '\ufeff'])(
    'is recognised in one pass, also as %j and one piece time after time',
    (start) => {
      for (const piece of ['\\"', '"', '"a', '":', '{', '}', '[', ' ', '\n', ',', '"\\', '",', '"\n', '/*']) {
        const bytes = Buffer.from(start + piece.repeat((256 * 1024) / piece.length));
        const begins = { bytes, sizeBytes: bytes.length };
        const conversion = conversionFor(begins, { key: 'm.json' });
        const opened = openManifest(bytes, { key: 'm.json', sizeBytes: bytes.length });
        expect(conversion?.name ?? 'JSON array').toBe('JSON array');
        if (opened.kind === 'unreadable') isBounded(opened.message);
      }
    },
  );

  it('gives rows, each good or bad for a bounded reason, or a fault', async () => {
    const name = fc.constantFrom('m.csv', 'm.ndjson', 'm.jsonl', 'm', 'm.json', 'm.tsv', 'm.gz');
    const start = fc.constantFrom(
      '',
      'key,text\n',
      '{"key":"a","text":"b"}\n',
      '\ufeffkey,source\n',
      'sep=,\nkey,text\n',
    );
    const bytes = fc
      .tuple(
        start,
        fc.oneof(
          body.map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 400 }),
        ),
      )
      .map(([head, rest]) => Buffer.concat([Buffer.from(head), rest]));
    await fc.assert(
      fc.asyncProperty(name, bytes, async (key, content) => {
        const opened = openManifest(content, { key, sizeBytes: content.length });
        if (opened.kind === 'unreadable') return isBounded(opened.message);
        for (const row of await rowsOf(opened.head, content)) {
          if (row.kind === 'good') continue;
          isBounded(row.message);
          expect(Buffer.byteLength(row.raw)).toBeLessThanOrEqual(MAX_REASON_BYTES);
        }
      }),
      RUNS,
    );
  });
});
