// A bound on what one worker has under way at once, of whichever object.

/** Runs the work once a slot is free. Those that wait go in their order. */
export type Slots = <Value>(work: () => Promise<Value>) => Promise<Value>;

export function createSlots(slots: number): Slots {
  let free = slots;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The slot goes to the next one, if there is any.
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
