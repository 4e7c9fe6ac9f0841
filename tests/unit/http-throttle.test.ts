// The throttling of the HTTP API's stage.
import { expect, it } from 'vitest';
import { createHttpThrottle } from '../../local/lambda/http-throttle.ts';

it('admits a burst, and then as many requests a second as its rate', () => {
  let nowMs = 0;
  const throttle = createHttpThrottle({ clock: { now: () => nowMs } }, { ratePerSecond: 10, burst: 5 });
  const admitted = (requests: number) =>
    Array.from({ length: requests }, () => throttle.admits()).filter(Boolean).length;
  expect(admitted(20)).toBe(5);
  nowMs = 300;
  expect(admitted(20)).toBe(3);
  // A clock that was set back gives nothing, and takes nothing.
  nowMs = 0;
  expect(admitted(20)).toBe(0);
  nowMs = 60_000;
  expect(admitted(20)).toBe(5);
});
