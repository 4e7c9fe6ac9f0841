// The bound of upload on a running stage: which one is refused and why, and that the embedded Lambda goes by a new one.
import { describe, expect, it } from 'vitest';
import { boundFault, type FleetFacts } from '../../cli/concurrency/plan.ts';
import { createEventSourceApi } from '../../local/lambda/event-source-api.ts';
import { startSqsEventSource } from '../../local/lambda/sqs-event-source.ts';
import type { FunctionModel, SqsSourceModel } from '../../local/service/model.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';

const FLEET: FleetFacts = { current: 50, batchSize: 100, others: 17, available: 1_000 };

describe('a new bound', () => {
  it.each<[number, Partial<FleetFacts>, RegExp | undefined]>([
    [687, {}, undefined],
    [688, {}, /in flight, above 110000.*Lower maximumConcurrency to 687/],
    [1_000, { batchSize: 10, available: 2_000 }, undefined],
    [983, { batchSize: 10 }, undefined],
    [984, { batchSize: 10 }, /may run 1000 functions at once.*take 983 at most/],
    [60, { available: 50 }, /take 33 at most, or raise Lambda's quota/],
    [60, { available: 10 }, /To change that, raise Lambda's quota/],
    // Lower than now is never refused for the account, though it is still too much.
    [40, { available: 10 }, undefined],
    [60, { available: undefined }, undefined],
    [60, { current: undefined, available: 50 }, /take 33 at most/],
  ])('of %i with %o', (wanted, facts, fault) => {
    const found = boundFault(wanted, { ...FLEET, ...facts });
    if (fault === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(fault);
  });
});

const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:spillway-dev-upload';
const aSource = (): SqsSourceModel => ({
  queueArn: QUEUE,
  batchSize: 1,
  windowSeconds: 0,
  maximumConcurrency: 2,
  reportBatchItemFailures: true,
  enabled: true,
});
const MODEL = {
  name: 'upload',
  deployedName: 'spillway-dev-upload',
  arn: 'arn:aws:lambda:us-east-1:000000000000:function:spillway-dev-upload',
  recursiveLoop: 'Allow',
} as FunctionModel;

describe("the embedded Lambda's API", () => {
  const source = aSource();
  const bounds: (number | undefined)[] = [];
  const api = createEventSourceApi({ clock: systemClock }, [
    { model: MODEL, source, setMaximumConcurrency: (most) => void bounds.push(most) },
  ]);
  const ask = (method: string, url: string, body: object = {}) =>
    api({ method, url, body: JSON.stringify(body) });
  const listed = (query: string) =>
    (
      ask('GET', `/2015-03-31/event-source-mappings/${query}`).body as {
        EventSourceMappings: { UUID: string }[];
      }
    ).EventSourceMappings;
  const path = () => `/2015-03-31/event-source-mappings/${listed('')[0]?.UUID}`;

  it('lists mappings by function and by queue', () => {
    expect(listed('')).toMatchObject([
      { BatchSize: 1, EventSourceArn: QUEUE, State: 'Enabled', ScalingConfig: { MaximumConcurrency: 2 } },
    ]);
    expect(listed('?FunctionName=spillway-dev-upload')).toHaveLength(1);
    expect(listed('?FunctionName=other')).toEqual([]);
    expect(listed('?EventSourceArn=other')).toEqual([]);
  });

  it('passes a new bound on', () => {
    const answer = ask('PUT', path(), { ScalingConfig: { MaximumConcurrency: 7 } });
    expect(answer.status).toBe(202);
    expect(bounds).toEqual([7]);
  });

  it.each([
    [{ ScalingConfig: { MaximumConcurrency: 1 } }],
    [{ ScalingConfig: { MaximumConcurrency: 1_001 } }],
    [{ BatchSize: 10 }],
    [{ Enabled: false, ScalingConfig: {} }],
    [{}],
  ])('refuses %o, and changes nothing', (change) => {
    const before = bounds.length;
    expect(ask('PUT', path(), change)).toMatchObject({
      status: 400,
      error: 'InvalidParameterValueException',
    });
    expect(bounds).toHaveLength(before);
  });

  it('knows no other mapping and no other call', () => {
    expect(ask('GET', '/2015-03-31/event-source-mappings/none').status).toBe(404);
    expect(ask('PUT', '/2015-03-31/event-source-mappings/none', {}).status).toBe(404);
    expect(ask('GET', '/2015-03-31/functions/').status).toBe(501);
  });
});

it('a running event source goes by its new bound at once', async () => {
  let invoked = 0;
  const ends: (() => void)[] = [];
  const arrived = (count: number) => expect.poll(() => invoked, { interval: 5, timeout: 60_000 }).toBe(count);
  let sent = 0;
  const source = startSqsEventSource(
    {
      clock: systemClock,
      random: createRandom(1),
      host: {
        invoke: () => {
          invoked += 1;
          return new Promise((resolve) =>
            ends.push(() => resolve({ kind: 'answered', payload: '{"batchItemFailures":[]}' })),
          );
        },
        freeCapacity: () => 100,
        onCapacity: () => () => undefined,
      },
      queue: {
        receive: async () => [
          { MessageId: `m${++sent}`, ReceiptHandle: `r${sent}`, Body: '{}', MD5OfBody: '' },
        ],
        deleteBatch: async () => ({ failed: [] }),
        send: async () => undefined,
        close: () => undefined,
      },
      log: () => undefined,
    },
    { model: MODEL, source: aSource(), queueUrl: 'http://queue', region: 'us-east-1', unevenBatches: false },
  );
  await arrived(2);
  source.setMaximumConcurrency(4);
  await arrived(4);
  // Lower than what runs: nothing new begins until fewer run than the bound allows.
  source.setMaximumConcurrency(2);
  for (const end of ends.splice(0, 3)) end();
  await arrived(5);
  for (const end of ends) end();
  const stopped = source.stop();
  for (const end of ends) end();
  await stopped;
});
