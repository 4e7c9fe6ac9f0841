// Computes the adaptive rate of one group: how many requests a second may leave, learnt from S3's answers alone. Pure: a state
// and an event give the next state, and the time comes with the event.
//
// cold        doubles each second until the first SlowDown
// probing     grows by GROWTH x sqrt(rate) a second; without a SlowDown for long, ever faster. It doubles in half a second where
//             the queue is empty: other workers may have nothing left to send, and S3 has room for more
// measuring   a SlowDown came: the rate stays until enough answers show how much S3 accepts, then it is cut once
//
// Growth and cut both go with the square root of the rate. A fixed step can't serve both 1 worker and 1,000, and a step in
// proportion to the rate is never fair. The square root gives every worker of a fleet the same number of cuts a second,
// GROWTH / CUT, and so the same rate, whatever the fleet's size (binomial congestion control: Bansal and Balakrishnan,
// INFOCOM 2001). The fleet's SlowDowns are then about N x GROWTH / CUT a second, whatever the limit.
// A rate is far above the limit at a cold start or when the limit falls. The measured share of refusals then says how deep to
// cut, and also where the limit lies. More refusals follow before the whole fleet has cut, and growing back by square roots
// would take minutes. So a rate that fell below a measured limit returns there within seconds (CUBIC's idea, RFC 9438).

export interface AdaptiveRate {
  phase: 'cold' | 'probing' | 'measuring';
  ratePerSecond: number;
  /** Epoch ms of the last growth. */
  grownAtMs: number;
  /** Requests that left since then: a rate that is not used does not grow. */
  sentSinceGrowth: number;
  /** Epoch ms. Answers to requests that left earlier are those of an earlier rate. */
  validFromMs: number;
  /** Where a deep cut found the limit, requests a second, and when. A lower rate returns to it. */
  aimPerSecond: number;
  aimedAtMs: number;
  /** While measuring: answers to requests that left after the first SlowDown. */
  accepted: number;
  throttled: number;
}

export interface AdaptiveRateOptions {
  /** Requests a second at a cold start. */
  startPerSecond: number;
  /** Requests a second. A worker never falls below it, since S3 splits only partitions under load. */
  floorPerSecond: number;
  /** Growth in requests a second, per second and square root of the rate. */
  growth: number;
  /** Cut in requests a second, per square root of the rate. */
  cut: number;
  /** Least number of answers in a measurement. */
  measuredAnswers: number;
  /** Milliseconds after which a measurement ends with whatever answers came. */
  maxMeasureMs: number;
  /** Milliseconds of growing without a SlowDown after which the limit is taken to have risen. */
  patienceMs: number;
}

/** Tuned with `spillway simulate` over fleets of 1 to 1,000 workers (docs/scale.md). */
export const ADAPTIVE_RATE: AdaptiveRateOptions = {
  startPerSecond: 200,
  floorPerSecond: 1,
  growth: 0.25,
  cut: 0.75,
  measuredAnswers: 20,
  maxMeasureMs: 2_000,
  patienceMs: 15_000,
};

/** Growth is computed in steps of this many milliseconds at least. */
const GROWTH_STEP_MS = 50;
/** Growth after long patience doubles each time this many milliseconds pass, up to so many times as fast. */
const HASTE_DOUBLES_MS = 2_000;
const MAX_HASTE = 32;
/** Milliseconds in which the rate doubles where the queue is empty. */
const DRAIN_DOUBLES_MS = 500;
/** A fast worker's measurement takes the answers of this many seconds: more answers measure more closely. */
const MEASURED_SECONDS = 0.1;
/** A measurement with this many times its least answers sets an aim. Fewer would be chance, and a fleet unfair. */
const AIM_ANSWERS = 2;
/** For this many milliseconds after a deep cut, measurements lower no aim: the rest of the fleet may not have cut yet. */
const AIM_HOLDS_MS = 3_000;
/** The rate returns to this share of its aim, and probes for the rest. */
const AIM_SHARE = 0.97;
/** Seconds in which the distance to the aim falls to a third. */
const RETURN_SECONDS = 2;
/** A rate counts as used if at least this share of it was sent. */
const USED_SHARE = 0.7;

export function coldRate({ startPerSecond }: AdaptiveRateOptions, nowMs: number): AdaptiveRate {
  return {
    phase: 'cold',
    ratePerSecond: startPerSecond,
    grownAtMs: nowMs,
    sentSinceGrowth: 0,
    validFromMs: nowMs,
    aimPerSecond: 0,
    aimedAtMs: nowMs,
    accepted: 0,
    throttled: 0,
  };
}

/** A rate to continue from: S3's limit is assumed to be there. */
export function settledRate(
  options: AdaptiveRateOptions,
  ratePerSecond: number,
  nowMs: number,
): AdaptiveRate {
  return {
    ...coldRate(options, nowMs),
    phase: 'probing',
    ratePerSecond: Math.max(options.floorPerSecond, ratePerSecond),
  };
}

/**
 * A request leaves.
 * @param isDraining whether the queue is empty, so that other workers may have nothing left to send
 */
export function afterSending(
  given: AdaptiveRate,
  options: AdaptiveRateOptions,
  nowMs: number,
  isDraining = false,
): AdaptiveRate {
  const state = inTime(given, nowMs);
  const sent = { ...state, sentSinceGrowth: state.sentSinceGrowth + 1 };
  return grow(endMeasurement(sent, options, nowMs), options, nowMs, isDraining);
}

/** S3 answered a request that left at `sentAtMs`. */
export function afterAnswer(
  state: AdaptiveRate,
  options: AdaptiveRateOptions,
  answer: { throttled: boolean; sentAtMs: number },
  nowMs: number,
  isDraining = false,
): AdaptiveRate {
  if (answer.sentAtMs < state.validFromMs) return state;
  if (state.phase !== 'measuring') {
    if (!answer.throttled) return grow(state, options, nowMs, isDraining);
    // Requests under way were sent while S3 still had a burst to give: the measurement begins after them.
    return { ...state, phase: 'measuring', validFromMs: nowMs, accepted: 0, throttled: 0 };
  }
  const counted = answer.throttled
    ? { ...state, throttled: state.throttled + 1 }
    : { ...state, accepted: state.accepted + 1 };
  return endMeasurement(counted, options, nowMs);
}

/** The system's clock can be set back. Times of the state that lie in the future then count as now. */
function inTime(state: AdaptiveRate, nowMs: number): AdaptiveRate {
  if (state.grownAtMs <= nowMs && state.validFromMs <= nowMs) return state;
  return {
    ...state,
    grownAtMs: Math.min(state.grownAtMs, nowMs),
    validFromMs: Math.min(state.validFromMs, nowMs),
  };
}

function grow(
  state: AdaptiveRate,
  options: AdaptiveRateOptions,
  nowMs: number,
  isDraining: boolean,
): AdaptiveRate {
  const elapsedMs = nowMs - state.grownAtMs;
  if (state.phase === 'measuring' || elapsedMs < GROWTH_STEP_MS) return state;
  const seconds = elapsedMs / 1000;
  const isUsed = state.sentSinceGrowth >= state.ratePerSecond * seconds * USED_SHARE;
  return {
    ...state,
    ratePerSecond: isUsed ? grownRate(state, options, seconds, nowMs, isDraining) : state.ratePerSecond,
    grownAtMs: nowMs,
    sentSinceGrowth: 0,
  };
}

function grownRate(
  { phase, ratePerSecond: rate, aimPerSecond, validFromMs }: AdaptiveRate,
  { growth, patienceMs }: AdaptiveRateOptions,
  seconds: number,
  nowMs: number,
  isDraining: boolean,
): number {
  if (isDraining) return rate * 2 ** ((seconds * 1000) / DRAIN_DOUBLES_MS);
  if (phase === 'cold') return rate * 2 ** seconds;
  return (
    rate +
    growth * haste(nowMs - validFromMs, patienceMs) * Math.sqrt(rate) * seconds +
    Math.max(0, aimPerSecond * AIM_SHARE - rate) * (1 - Math.exp(-seconds / RETURN_SECONDS))
  );
}

/** How many times as fast the rate grows: without a refusal for long, the limit has probably risen. */
function haste(probedMs: number, patienceMs: number): number {
  return Math.min(MAX_HASTE, 2 ** Math.max(0, (probedMs - patienceMs) / HASTE_DOUBLES_MS));
}

function endMeasurement(state: AdaptiveRate, options: AdaptiveRateOptions, nowMs: number): AdaptiveRate {
  if (state.phase !== 'measuring') return state;
  const answers = state.accepted + state.throttled;
  const { ratePerSecond: rate } = state;
  const isOver =
    answers >= Math.max(options.measuredAnswers, rate * MEASURED_SECONDS) ||
    nowMs - state.validFromMs >= options.maxMeasureMs;
  if (!isOver) return state;
  // Chance alone refuses a few: only refusals above one standard deviation count.
  const refusedShare =
    answers === 0 ? 0 : Math.max(0, state.throttled - Math.sqrt(state.throttled)) / answers;
  const accepted = rate * (1 - refusedShare);
  const shallow = rate - options.cut * Math.sqrt(rate);
  const settled = settledRate(options, Math.min(shallow, accepted), nowMs);
  const isHeld = nowMs - state.aimedAtMs < AIM_HOLDS_MS;
  if (accepted >= shallow || answers < options.measuredAnswers * AIM_ANSWERS) {
    return isHeld ? { ...settled, aimPerSecond: state.aimPerSecond, aimedAtMs: state.aimedAtMs } : settled;
  }
  return isHeld && state.aimPerSecond > accepted
    ? { ...settled, aimPerSecond: state.aimPerSecond, aimedAtMs: state.aimedAtMs }
    : { ...settled, aimPerSecond: accepted };
}
