// A bound on the requests or bytes that are held at once. A caller that would exceed it waits: first come, first served.

export interface Budget {
  /**
   * Waits until the amount fits; an amount above the whole budget is held alone.
   * @param cutOff ends the wait: nothing is held then
   * @returns its release, which may be repeated
   * @throws the signal's reason
   */
  take(amount: number, cutOff?: AbortSignal): Promise<() => void>;
  /** Holds the amount while `use` runs. */
  hold<Result>(amount: number, use: () => Promise<Result>): Promise<Result>;
  held(): number;
}

/** @param most the bound; a function is called each time. What is held already stays held if the bound falls */
export function createBudget(most: number | (() => number)): Budget {
  const waiting: { amount: number; go: () => void }[] = [];
  let held = 0;

  const fits = (amount: number) => {
    const bound = typeof most === 'number' ? most : most();
    return held === 0 || held + amount <= bound;
  };
  const admit = (): void => {
    for (let next = waiting[0]; next !== undefined && fits(next.amount); next = waiting[0]) {
      held += next.amount;
      waiting.shift();
      next.go();
    }
  };

  function wait(amount: number, cutOff: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = {
        amount,
        go() {
          cutOff?.removeEventListener('abort', leave);
          resolve();
        },
      };
      function leave(): void {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(cutOff?.reason);
        // Those behind may ask for less.
        admit();
      }
      waiting.push(entry);
      cutOff?.addEventListener('abort', leave, { once: true });
    });
  }

  async function take(amount: number, cutOff?: AbortSignal): Promise<() => void> {
    cutOff?.throwIfAborted();
    if (waiting.length === 0 && fits(amount)) held += amount;
    else await wait(amount, cutOff);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      held -= amount;
      admit();
    };
  }

  return {
    take,
    async hold(amount, use) {
      const release = await take(amount);
      try {
        return await use();
      } finally {
        release();
      }
    },
    held: () => held,
  };
}
