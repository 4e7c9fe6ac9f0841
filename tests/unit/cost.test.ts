// The bill of a run: what counts, what does not, and at which price.
import { describe, expect, it } from 'vitest';
import type { CloudMeterReading } from '../../local/cloud.ts';
import { emptyUsage } from '../../local/lambda/usage.ts';
import { costPerMillion, type Usage, usageBetween } from '../../local/meter/cost.ts';
import type { S3Count } from '../../local/meter/meter-reading.ts';

const DESTINATION = 'destination';
const MILLION = 1_000_000;

const count = (counts: Partial<S3Count> = {}): S3Count => {
  const full = { requests: 0, accepted: 0, throttled: 0, failed: 0, bytesIn: 0, bytesOut: 0, ...counts };
  return { ...full, requests: full.accepted + full.throttled + full.failed };
};

const noUsage = (): Usage => ({
  destination: count(),
  s3: { writes: 0, reads: 0 },
  sqs: { billedUnits: 0, requests: 0 },
  dynamodb: { requests: 0, readUnits: 0, writeUnits: 0 },
  lambda: {},
  logBytes: 0,
});

const reading = (buckets: Record<string, Record<string, S3Count>>): CloudMeterReading => ({
  s3: {
    operations: {},
    buckets: Object.fromEntries(
      Object.entries(buckets).map(([name, operations]) => [name, { operations, writesBySecond: [] }]),
    ),
  },
  sqs: {
    actions: {
      SendMessageBatch: { requests: 4, failed: 0, billedUnits: 7, messages: 40 },
      ReceiveMessage: { requests: 9, failed: 0, billedUnits: 9, messages: 40 },
    },
    queues: {},
  },
  eventBridge: { requests: 0, entries: 0 },
  dynamodb: {
    operations: { UpdateItem: { requests: 3, failed: 0, readUnits: 0, writeUnits: 5 } },
    readUnits: 2,
    writeUnits: 5,
    hottest: [],
  },
  lambda: { upload: { ...emptyUsage(1024), invocations: 2, cpuMs: 30, waitMs: 70 } },
});

const NOTHING: CloudMeterReading = {
  ...reading({}),
  sqs: { actions: {}, queues: {} },
  dynamodb: { operations: {}, readUnits: 0, writeUnits: 0, hottest: [] },
  lambda: {},
};

describe('the cost of a million objects', () => {
  it.each<{
    title: string;
    usage: Partial<Usage>;
    part: keyof ReturnType<typeof costPerMillion>;
    usd: number;
  }>([
    {
      title: 'a million writes that the destination accepted cost S3’s price',
      usage: { destination: count({ accepted: MILLION }) },
      part: 'destinationWrites',
      usd: 5,
    },
    {
      title: 'SlowDown answers are free',
      usage: { destination: count({ accepted: MILLION, throttled: MILLION }) },
      part: 'destinationWrites',
      usd: 5,
    },
    {
      title: 'refusals for another reason are not',
      usage: { destination: count({ accepted: MILLION, failed: MILLION }) },
      part: 'destinationWrites',
      usd: 10,
    },
    {
      title: 'the pipeline’s own requests stand beside them',
      usage: { s3: { writes: 10_000, reads: 100_000 } },
      part: 's3',
      usd: 0.05 + 0.04,
    },
    {
      title: 'SQS bills by 64 KB',
      usage: { sqs: { billedUnits: MILLION, requests: 1 } },
      part: 'sqs',
      usd: 0.4,
    },
    {
      title: 'DynamoDB bills units',
      usage: { dynamodb: { requests: 1, readUnits: MILLION, writeUnits: MILLION } },
      part: 'dynamodb',
      usd: 0.75,
    },
    { title: 'logs cost by the byte', usage: { logBytes: 1e9 }, part: 'logs', usd: 0.5 },
    {
      title: 'each function costs its time at its own memory',
      usage: {
        lambda: {
          upload: { invocations: 0, cpuMs: 0, waitMs: 4e9, memoryMb: 1024 },
          settle: { invocations: 0, cpuMs: 1e9, waitMs: 0, memoryMb: 2048 },
        },
      },
      part: 'lambda',
      usd: 6e6 * 0.0000133334,
    },
    {
      title: 'a function with half a CPU computes for twice as long',
      usage: { lambda: { upload: { invocations: 0, cpuMs: 1e9, waitMs: 0, memoryMb: 884.5 } } },
      part: 'lambda',
      usd: 2e6 * (884.5 / 1024) * 0.0000133334,
    },
    {
      title: 'invocations cost by themselves, and are rounded up to a millisecond',
      usage: { lambda: { upload: { invocations: MILLION, cpuMs: 0, waitMs: 0, memoryMb: 1024 } } },
      part: 'lambda',
      usd: 0.2 + 500 * 0.0000133334,
    },
  ])('$title', ({ usage, part, usd }) => {
    expect(costPerMillion({ ...noUsage(), ...usage }, MILLION)[part]).toBeCloseTo(usd, 3);
  });

  it('grows as the objects become fewer, and its parts make its total', () => {
    const usage = { ...noUsage(), destination: count({ accepted: 1000 }), s3: { writes: 20, reads: 0 } };
    const cost = costPerMillion(usage, 1000);
    expect(cost).toMatchObject({ destinationWrites: 5, s3: 0.1 });
    const { total, ...parts } = cost;
    expect(Object.values(parts).reduce((sum, part) => sum + part)).toBeCloseTo(total, 3);
  });

  it('is nothing where nothing was stored', () => {
    expect(costPerMillion(noUsage(), 0)).toMatchObject({ destinationWrites: 0, total: 0 });
  });
});

describe('the usage between two readings', () => {
  it('separates the destination’s writes from the pipeline’s own requests', () => {
    const after = reading({
      [DESTINATION]: {
        PutObject: count({ accepted: 5, throttled: 3 }),
        CopyObject: count({ accepted: 2 }),
        HeadObject: count({ accepted: 1 }),
        ListObjectsV2: count({ accepted: 1 }),
      },
      reports: {
        PutObject: count({ accepted: 4 }),
        GetObject: count({ accepted: 6 }),
        DeleteObject: count({ accepted: 9 }),
      },
    });
    const usage = usageBetween({ meter: NOTHING, logBytes: 10 }, { meter: after, logBytes: 30 }, DESTINATION);
    expect(usage.destination).toMatchObject({ requests: 10, accepted: 7, throttled: 3 });
    expect(usage.s3).toEqual({ writes: 5, reads: 7 });
    expect(usage.sqs).toEqual({ billedUnits: 16, requests: 13 });
    expect(usage.dynamodb).toEqual({ requests: 3, readUnits: 2, writeUnits: 5 });
    expect(usage.lambda['upload']).toEqual({ invocations: 2, cpuMs: 30, waitMs: 70, memoryMb: 1024 });
    expect(usage.logBytes).toBe(20);
  });

  it('leaves out what was there before', () => {
    const before = reading({ [DESTINATION]: { PutObject: count({ accepted: 5 }) } });
    const usage = usageBetween({ meter: before, logBytes: 7 }, { meter: before, logBytes: 7 }, DESTINATION);
    expect(usage).toEqual({
      ...noUsage(),
      lambda: { upload: { invocations: 0, cpuMs: 0, waitMs: 0, memoryMb: 1024 } },
    });
  });
});
