// The adaptive rate under any answers at any times: its bounds, and which way each event may move it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ADAPTIVE_RATE,
  type AdaptiveRate,
  afterAnswer,
  afterSending,
  coldRate,
} from '../../shared/pacing/adaptive-rate.ts';

const START_MS = 1_000_000;
/** Long after the state began. */
const AIM_FROM_MS = 10_000;

type Event = { kind: 'send' | 'accepted' | 'throttled'; afterMs: number; latencyMs: number };

const events = fc.array(
  fc.record({
    kind: fc.constantFrom('send', 'accepted', 'throttled'),
    afterMs: fc.integer({ min: 0, max: 400 }),
    latencyMs: fc.integer({ min: 0, max: 2_000 }),
  }) as fc.Arbitrary<Event>,
  { maxLength: 400 },
);

function step(state: AdaptiveRate, { kind, latencyMs }: Event, nowMs: number): AdaptiveRate {
  if (kind === 'send') return afterSending(state, ADAPTIVE_RATE, nowMs);
  return afterAnswer(
    state,
    ADAPTIVE_RATE,
    { throttled: kind === 'throttled', sentAtMs: nowMs - latencyMs },
    nowMs,
  );
}

function run(
  given: readonly Event[],
  visit: (before: AdaptiveRate, after: AdaptiveRate, event: Event) => void,
) {
  let nowMs = START_MS;
  let state = coldRate(ADAPTIVE_RATE, nowMs);
  for (const event of given) {
    nowMs += event.afterMs;
    const next = step(state, event, nowMs);
    visit(state, next, event);
    state = next;
  }
}

describe('the adaptive rate', () => {
  it('is finite and never under its floor', () => {
    fc.assert(
      fc.property(events, (given) => {
        run(given, (_, { ratePerSecond }) => {
          expect(Number.isFinite(ratePerSecond)).toBe(true);
          expect(ratePerSecond).toBeGreaterThanOrEqual(ADAPTIVE_RATE.floorPerSecond);
        });
      }),
    );
  });

  it('falls only where a measurement ends, and then below what it was', () => {
    fc.assert(
      fc.property(events, (given) => {
        run(given, (before, after) => {
          if (after.ratePerSecond < before.ratePerSecond) {
            expect(before.phase).toBe('measuring');
            expect(after.phase).toBe('probing');
          }
        });
      }),
    );
  });

  it('is never cut without a SlowDown since the last cut', () => {
    fc.assert(
      fc.property(events, (given) => {
        let refusals = 0;
        run(given, (before, after, event) => {
          if (event.kind === 'throttled') refusals++;
          if (after.phase === 'probing' && before.phase === 'measuring') {
            expect(refusals).toBeGreaterThan(0);
            refusals = 0;
          }
        });
      }),
    );
  });

  it('takes no notice of answers to what left before its last cut', () => {
    fc.assert(
      fc.property(events, fc.boolean(), (given, throttled) => {
        let nowMs = START_MS;
        let state = coldRate(ADAPTIVE_RATE, nowMs);
        for (const event of given) {
          nowMs += event.afterMs;
          state = step(state, event, nowMs);
        }
        const late = { throttled, sentAtMs: state.validFromMs - 1 };
        expect(afterAnswer(state, ADAPTIVE_RATE, late, nowMs)).toBe(state);
      }),
    );
  });

  it('doubles each second from a cold start while it is used, and stands still while it is not', () => {
    let used = coldRate(ADAPTIVE_RATE, START_MS);
    let idle = used;
    for (let ms = 1; ms <= 1_000; ms++) {
      for (let sent = 0; sent < 2; sent++) used = afterSending(used, ADAPTIVE_RATE, START_MS + ms);
      if (ms % 100 === 0) idle = afterSending(idle, ADAPTIVE_RATE, START_MS + ms);
    }
    expect(used.ratePerSecond).toBeCloseTo(2 * ADAPTIVE_RATE.startPerSecond, -1);
    expect(idle.ratePerSecond).toBe(ADAPTIVE_RATE.startPerSecond);
  });

  it('doubles in half a second where the queue is empty, and is cut by refusals as ever', () => {
    let rate: AdaptiveRate = { ...coldRate(ADAPTIVE_RATE, START_MS), phase: 'probing', ratePerSecond: 100 };
    for (let ms = 1; ms <= 500; ms++) rate = afterSending(rate, ADAPTIVE_RATE, START_MS + ms, true);
    expect(rate.ratePerSecond).toBeCloseTo(200, -1);
    const nowMs = START_MS + 501;
    rate = afterAnswer(rate, ADAPTIVE_RATE, { throttled: true, sentAtMs: nowMs }, nowMs, true);
    for (let answer = 0; rate.phase === 'measuring'; answer++)
      rate = afterAnswer(rate, ADAPTIVE_RATE, { throttled: answer % 2 === 0, sentAtMs: nowMs }, nowMs, true);
    expect(rate.ratePerSecond).toBeLessThan(150);
  });

  it('returns within seconds to the limit that a deep cut measured, and no further', () => {
    const options = ADAPTIVE_RATE;
    let nowMs = START_MS + AIM_FROM_MS;
    let state: AdaptiveRate = {
      ...coldRate(options, START_MS),
      phase: 'measuring',
      ratePerSecond: 2_000,
      validFromMs: nowMs,
    };
    for (let answer = 0; state.phase === 'measuring'; answer++)
      state = afterAnswer(state, options, { throttled: answer % 2 === 0, sentAtMs: nowMs }, nowMs);
    expect(state.aimPerSecond).toBeGreaterThan(1_000);
    expect(state.aimPerSecond).toBeLessThan(1_200);
    // The rest of the fleet cuts later: its refusals cut again, and too deep.
    nowMs += 1_000;
    state = { ...state, phase: 'measuring', validFromMs: nowMs };
    for (let answer = 0; state.phase === 'measuring'; answer++)
      state = afterAnswer(state, options, { throttled: answer % 2 === 0, sentAtMs: nowMs }, nowMs);
    expect(state.ratePerSecond).toBeLessThan(700);
    const aim = state.aimPerSecond;
    for (let ms = 0; ms < 8_000; ms++) {
      nowMs += 1;
      for (let sent = 0; sent < 2; sent++) state = afterSending(state, options, nowMs);
    }
    expect(state.ratePerSecond).toBeGreaterThan(0.95 * aim);
    expect(state.ratePerSecond).toBeLessThan(1.1 * aim);
  });

  it.each([1, 10, 100, 1_000])('grows and is cut in step with its square root, at %i a second', (rate) => {
    const probing: AdaptiveRate = {
      ...coldRate(ADAPTIVE_RATE, START_MS),
      phase: 'probing',
      ratePerSecond: rate,
    };
    const grown = afterSending({ ...probing, sentSinceGrowth: rate }, ADAPTIVE_RATE, START_MS + 1_000);
    expect(grown.ratePerSecond - rate).toBeCloseTo(ADAPTIVE_RATE.growth * Math.sqrt(rate));
    const measured: AdaptiveRate = {
      ...probing,
      phase: 'measuring',
      // A fast worker measures for a tenth of a second.
      accepted: Math.max(ADAPTIVE_RATE.measuredAnswers, rate / 10) - 1,
    };
    const cut = afterAnswer(measured, ADAPTIVE_RATE, { throttled: false, sentAtMs: START_MS }, START_MS);
    expect(rate - cut.ratePerSecond).toBeCloseTo(Math.min(ADAPTIVE_RATE.cut * Math.sqrt(rate), rate - 1));
  });
});
