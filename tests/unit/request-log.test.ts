// What a batch keeps of its requests: few numbers, which say how fast S3 was and which limit refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRequestLog } from '../../functions/upload/request-log.ts';
import type { Fault, ThrottleScope } from '../../shared/aws/classify.ts';
import { createRandom } from '../../shared/time/random.ts';
import type { SentRequest } from '../../shared/transfer/paced-request.ts';

const DESTINATIONS = [
  { bucket: 'out', prefix: 'exports/daily/' },
  { bucket: 'flat', prefix: '' },
];

const start = () => createRequestLog(createRandom(3), DESTINATIONS);
const throttle = (scope: ThrottleScope): Fault => ({
  kind: 'throttle',
  scope,
  code: 'SlowDown',
  message: '',
});
const request = (change: Partial<SentRequest>): SentRequest => ({
  place: { bucket: 'out', key: 'exports/daily/0101/1100/a' },
  group: 'out',
  ms: 20,
  isOfSource: false,
  ...change,
});

describe('the refusals of a batch', () => {
  it.each(['partition', 'kms', 'object', 'account'] as const)('are counted by their cause: %s', (scope) => {
    const log = start();
    log.hear(request({ fault: throttle(scope) }));
    log.hear(request({}));
    const { throttledBy } = log.summary();
    expect(throttledBy).toEqual({ partition: 0, kms: 0, object: 0, account: 0, source: 0, [scope]: 1 });
  });

  it('count for the source where it refused, or where the request went to it alone', () => {
    const log = start();
    const place = { bucket: 'photos', key: '2019/06/a.jpg' };
    log.hear(request({ place, fault: throttle('partition'), isOfSource: true }));
    log.hear(request({ place: { bucket: 'files.example.com', key: '/a' }, fault: throttle('partition') }));
    expect(log.summary()).toMatchObject({
      throttledBy: { source: 2, partition: 0 },
      throttledPrefixes: [
        { prefix: 'photos/2019/06/', cause: 'source', times: 1 },
        { prefix: 'files.example.com//', cause: 'source', times: 1 },
      ],
    });
  });

  it.each([
    {
      bucket: 'out',
      key: 'exports/daily/0101/1100/0011/10101010/name',
      prefix: 'out/exports/daily/0101/1100/',
    },
    { bucket: 'out', key: 'exports/daily/name', prefix: 'out/exports/daily/' },
    { bucket: 'flat', key: 'a/b/c/d', prefix: 'flat/a/b/' },
    { bucket: 'flat', key: 'name', prefix: 'flat/' },
  ])('of $bucket/$key are those of $prefix', ({ bucket, key, prefix }) => {
    const log = start();
    log.hear(request({ place: { bucket, key }, fault: throttle('partition') }));
    expect(log.summary().throttledPrefixes).toEqual([{ prefix, cause: 'partition', times: 1 }]);
  });

  it('name five prefixes at most, those with the most refusals first', () => {
    const log = start();
    for (let folder = 0; folder < 2_000; folder++) {
      const place = { bucket: 'flat', key: `f${folder % 1_500}/x/name` };
      log.hear(request({ place, fault: throttle('partition') }));
    }
    const { throttledPrefixes, throttledBy } = log.summary();
    expect(throttledPrefixes.map(({ times }) => times)).toEqual([2, 2, 2, 2, 2]);
    expect(throttledBy.partition).toBe(2_000);
  });
});

describe('the latencies of a batch', () => {
  it('are those of requests that the destination took', () => {
    const log = start();
    log.hear(request({ ms: 7 }));
    log.hear(request({ ms: 1, fault: throttle('partition') }));
    log.hear(request({ ms: 2, fault: { kind: 'transient', code: 'InternalError', message: '' } }));
    log.hear(request({ ms: 3, place: { bucket: 'photos', key: 'a' } }));
    expect(log.summary().latenciesMs).toEqual([7]);
  });

  it('are a sample of at most 50, in which early and late requests are alike', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_000 }), fc.integer(), (requests, seed) => {
        const log = createRequestLog(createRandom(seed), DESTINATIONS);
        for (let ms = 0; ms < requests; ms++) log.hear(request({ ms }));
        const { latenciesMs } = log.summary();
        expect(latenciesMs).toHaveLength(Math.min(50, requests));
        expect(new Set(latenciesMs).size).toBe(latenciesMs.length);
        for (const ms of latenciesMs) expect(ms).toBeLessThan(requests);
      }),
    );
    const means = Array.from({ length: 200 }, (_, seed) => {
      const log = createRequestLog(createRandom(seed), DESTINATIONS);
      for (let ms = 0; ms < 1_000; ms++) log.hear(request({ ms }));
      return log.summary().latenciesMs.reduce((sum, ms) => sum + ms, 0) / 50;
    });
    const mean = means.reduce((sum, each) => sum + each, 0) / means.length;
    expect(mean).toBeGreaterThan(480);
    expect(mean).toBeLessThan(520);
  });
});

it('the groups of a batch are those of the destination, each once', () => {
  const log = start();
  for (const group of ['out', 'out 1', 'out']) log.hear(request({ group }));
  log.hear(request({ group: 'photos', isOfSource: true }));
  expect(log.summary().groups).toEqual(['out', 'out 1']);
});
