// The long polls that wait at a queue: each ends once there are messages for it, or when its time is over.

const LOOK_EVERY_MS = 20;

export interface PolledQueue {
  /** Ends the delays and visibility timeouts that are over, while polls wait. */
  processTimers(): void;
  /** How many polls there are messages for. */
  servable(): number;
}

export function createLongPolls({ processTimers, servable }: PolledQueue) {
  let waiting: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isWakePlanned = false;

  /** Later in the same turn, so that a batch wakes one poll and not ten. */
  function wakeSoon(): void {
    if (isWakePlanned || waiting.length === 0) return;
    isWakePlanned = true;
    queueMicrotask(() => {
      isWakePlanned = false;
      for (const wake of waiting.slice(0, servable())) wake();
    });
  }

  return {
    wakeSoon,
    async wait(seconds: number): Promise<void> {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timeout);
          waiting = waiting.filter((each) => each !== wake);
          if (waiting.length === 0) {
            clearInterval(timer);
            timer = undefined;
          }
          resolve();
        };
        const timeout = setTimeout(wake, seconds * 1000);
        waiting.push(wake);
        timer ??= setInterval(processTimers, LOOK_EVERY_MS);
        wakeSoon();
      });
    },
    cancel(): void {
      for (const wake of waiting) wake();
    },
  };
}
