// What there is still to do: files as the walk finds them, and those that were put back for later. It does not grow with
// the number of files: where many wait, no new ones are taken up.
import type { Clock } from '../../shared/time/clock.ts';

/** Files that wait at most before new ones are left where they are. */
const MOST_WAITING = 10_000;

export interface WorkList<Item> {
  /** @returns undefined if nothing is left but the items that others are working on */
  take(): Promise<Item | undefined>;
  putBack(item: Item, delayMs: number): void;
  /** Nothing is handed out any more. */
  close(): void;
}

export function createWorkList<Item>(found: AsyncIterator<Item>, clock: Clock): WorkList<Item> {
  const waiting: { item: Item; dueAtMs: number }[] = [];
  const closed = new AbortController();
  let isWalked = false;

  const takeDue = (): Item | undefined => {
    const nowMs = clock.now();
    const index = waiting.findIndex(({ dueAtMs }) => dueAtMs <= nowMs);
    return index < 0 ? undefined : waiting.splice(index, 1)[0]?.item;
  };

  return {
    async take() {
      while (!closed.signal.aborted) {
        const due = waiting.length > 0 ? takeDue() : undefined;
        if (due !== undefined) return due;
        if (!isWalked && waiting.length < MOST_WAITING) {
          const next = await found.next();
          if (next.done !== true) return next.value;
          isWalked = true;
        } else if (waiting.length === 0) return undefined;
        else {
          const dueAtMs = Math.min(...waiting.map((each) => each.dueAtMs));
          await clock.sleep(Math.max(0, dueAtMs - clock.now()), closed.signal).catch(() => undefined);
        }
      }
      return undefined;
    },
    putBack(item, delayMs) {
      waiting.push({ item, dueAtMs: clock.now() + delayMs });
    },
    close: () => closed.abort(),
  };
}
