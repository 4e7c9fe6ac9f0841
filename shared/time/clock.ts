// Time as a dependency: what waits or stamps takes a Clock, so that tests and the simulator own the time.
//
//   systemClock   the machine's clock, which can be set at any moment. For times that leave the process or come from outside:
//                 stamps, signatures, file times, and all that Lambda functions do
//   steadyClock   counts on from the process's start, whatever happens to the machine's clock. For durations and deadlines
//                 within one process: `put`, the waits of other commands, the lab's measurements
//
// Lambda functions stay with the system's clock. They compare their times with those of SQS, the ledger and other workers.
// Lambda also freezes their process between invocations, and whether monotonic time counts on meanwhile is not documented.
// A steady clock could fall hours behind there. A laptop's falls behind while it sleeps, so `put` retries when it is awake.
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason if it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

const sleep: Clock['sleep'] = async (ms, signal) => {
  await delay(ms, undefined, signal === undefined ? {} : { signal });
};

export const systemClock: Clock = { now: () => Date.now(), sleep };

/** Its epoch is the machine's at the process's start, and the same in all its threads. Whole milliseconds, as Date.now's. */
export const steadyClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  sleep,
};
