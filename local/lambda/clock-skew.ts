// Skews the environment's clock: Date is wrong by a given time. Monotonic time
// (performance.now, timers) is as right as ever, as on a machine whose clock is not set. Runs inside the execution environment.

export function skewClock(byMs: number): void {
  const trueNow = Date.now;
  const now = () => Math.round(trueNow() + byMs);
  globalThis.Date = new Proxy(Date, {
    construct: (date, given, newTarget) =>
      Reflect.construct(date, given.length === 0 ? [now()] : given, newTarget),
    // Called without `new` it returns the time as text, whatever it is given.
    apply: (date) => new date(now()).toString(),
    get: (date, member) => (member === 'now' ? now : Reflect.get(date, member)),
  });
}
