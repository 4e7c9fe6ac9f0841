// The adaptive rate of one group: how many requests a second may leave, learnt from S3's answers alone. Pure: a state and an
// event give the next state; the time comes with the event.
//
// cold        doubles each second until the first SlowDown
// probing     grows by GROWTH x sqrt(rate) a second; without a SlowDown for long, ever faster
// measuring   a SlowDown came: the rate stands still until enough answers tell how much S3 accepts; then it is cut once
//
// Growth and cut both go with the square root of the rate. A fixed step can't serve 1 worker and 1,000 alike, and one in
// proportion to the rate is never fair; between them the square root gives every worker of a fleet the same number of cuts
// a second, GROWTH / CUT, and so the same rate, whatever the fleet's size (binomial congestion control: Bansal and
// Balakrishnan, INFOCOM 2001). The fleet's SlowDowns are then about N x GROWTH / CUT a second, whatever the limit.
// Far above the limit, at a cold start or when the limit falls, the measured share of refusals says how deep to cut, and
// also where the limit lies: more refusals follow before the whole fleet has cut, and growing back by square roots would
// take minutes. So a rate that fell below the limit once measured returns there within seconds (CUBIC's idea, RFC 9438).

export interface AdaptiveRate {
  phase: 'cold' | 'probing' | 'measuring';
  ratePerSecond: number;
  /** Until when the rate has grown, epoch ms. */
  grownAtMs: number;
  /** Requests that left since the rate last grew: a rate that is not used does not grow. */
  sentSinceGrowth: number;
  /** Answers to requests that left before this, epoch ms, tell of an earlier rate. */
  validFromMs: number;
  /** Where a deep cut put the limit, requests a second, and when. Below it the rate returns to it. */
  aimPerSecond: number;
  aimedAtMs: number;
  /** While measuring: answers to requests that left after the first SlowDown. */
  accepted: number;
  throttled: number;
}

export interface AdaptiveRateOptions {
  /** Requests a second at a cold start. */
  startPerSecond: number;
  /** Requests a second: a worker never falls under it, since S3 splits only what it sees under load. */
  floorPerSecond: number;
  /** Growth in requests a second, per second and square root of the rate. */
  growth: number;
  /** Cut in requests a second, per square root of the rate. */
  cut: number;
  /** Answers that a measurement takes at least. */
  measuredAnswers: number;
  /** Milliseconds after which a measurement ends with the answers there are. */
  measureMostMs: number;
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
  measureMostMs: 2_000,
  patienceMs: 15_000,
};

/** Growth is computed in steps of this many milliseconds at least. */
const GROWTH_STEP_MS = 50;
/** Growth after long patience: doubled each time this many milliseconds pass, up to so many times as fast. */
const HASTE_DOUBLES_MS = 2_000;
const MOST_HASTE = 32;
/** A fast worker's measurement takes the answers of this many seconds: what it finds is the closer. */
const MEASURED_SECONDS = 0.1;
/** A measurement sets an aim with this many times its least answers: from fewer it would be chance, and a fleet unfair. */
const AIM_ANSWERS = 2;
/** Measurements within this many milliseconds of a deep cut tell of a fleet that has not cut yet: they lower no aim. */
const AIM_HOLDS_MS = 3_000;
/** The rate returns to this share of its aim; the rest is probed for. */
const AIM_SHARE = 0.97;
/** Seconds in which the distance to the aim falls to a third. */
const RETURN_SECONDS = 2;
/** A rate counts as used where at least this share of it was sent. */
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

/** A rate to go on from, at which S3's limit is taken to lie. */
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

/** A request leaves. */
export function afterSending(given: AdaptiveRate, options: AdaptiveRateOptions, nowMs: number): AdaptiveRate {
  const state = inTime(given, nowMs);
  const sent = { ...state, sentSinceGrowth: state.sentSinceGrowth + 1 };
  return grow(endMeasurement(sent, options, nowMs), options, nowMs);
}

/** S3 answered a request that left at `sentAtMs`. */
export function afterAnswer(
  state: AdaptiveRate,
  options: AdaptiveRateOptions,
  answer: { throttled: boolean; sentAtMs: number },
  nowMs: number,
): AdaptiveRate {
  if (answer.sentAtMs < state.validFromMs) return state;
  if (state.phase !== 'measuring') {
    if (!answer.throttled) return grow(state, options, nowMs);
    // What is on its way was sent while S3 still had a burst to give; the measurement begins behind it.
    return { ...state, phase: 'measuring', validFromMs: nowMs, accepted: 0, throttled: 0 };
  }
  const counted = answer.throttled
    ? { ...state, throttled: state.throttled + 1 }
    : { ...state, accepted: state.accepted + 1 };
  return endMeasurement(counted, options, nowMs);
}

/** The system's clock can be set back: what the state remembers then lies ahead, and is taken for now. */
function inTime(state: AdaptiveRate, nowMs: number): AdaptiveRate {
  if (state.grownAtMs <= nowMs && state.validFromMs <= nowMs) return state;
  return {
    ...state,
    grownAtMs: Math.min(state.grownAtMs, nowMs),
    validFromMs: Math.min(state.validFromMs, nowMs),
  };
}

function grow(state: AdaptiveRate, { growth, patienceMs }: AdaptiveRateOptions, nowMs: number): AdaptiveRate {
  const elapsedMs = nowMs - state.grownAtMs;
  if (state.phase === 'measuring' || elapsedMs < GROWTH_STEP_MS) return state;
  const seconds = elapsedMs / 1000;
  const isUsed = state.sentSinceGrowth >= state.ratePerSecond * seconds * USED_SHARE;
  const { ratePerSecond: rate } = state;
  const grown =
    state.phase === 'cold'
      ? rate * 2 ** seconds
      : rate +
        growth * haste(nowMs - state.validFromMs, patienceMs) * Math.sqrt(rate) * seconds +
        Math.max(0, state.aimPerSecond * AIM_SHARE - rate) * (1 - Math.exp(-seconds / RETURN_SECONDS));
  return {
    ...state,
    ratePerSecond: isUsed ? grown : rate,
    grownAtMs: nowMs,
    sentSinceGrowth: 0,
  };
}

/** The limit seems to have risen: growth doubles again and again, up to a bound. */
function haste(probedMs: number, patienceMs: number): number {
  return Math.min(MOST_HASTE, 2 ** Math.max(0, (probedMs - patienceMs) / HASTE_DOUBLES_MS));
}

function endMeasurement(state: AdaptiveRate, options: AdaptiveRateOptions, nowMs: number): AdaptiveRate {
  if (state.phase !== 'measuring') return state;
  const answers = state.accepted + state.throttled;
  const { ratePerSecond: rate } = state;
  const isOver =
    answers >= Math.max(options.measuredAnswers, rate * MEASURED_SECONDS) ||
    nowMs - state.validFromMs >= options.measureMostMs;
  if (!isOver) return state;
  // Chance alone refuses a few: only what lies a standard deviation above none counts as the share refused.
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
