// Holds messages until their delay or their visibility timeout ends.
//
// Due times are rounded up to a tick, and each tick holds a set, so that adding and removing cost the same with ten
// messages as with the 120,000 that a queue may have in flight.

/** As often as a long poll looks. */
const TICK_MS = 20;

export interface DueTimes<Item> {
  add(item: Item, dueMs: number): void;
  remove(item: Item): void;
  /** Removes and returns what is due, the earliest first. */
  takeDue(nowMs: number): Item[];
  clear(): void;
  readonly size: number;
}

export function createDueTimes<Item>(): DueTimes<Item> {
  const ticks = new Map<number, Set<Item>>();
  const tickOf = new Map<Item, number>();
  let taken: number | undefined;

  function remove(item: Item): void {
    const tick = tickOf.get(item);
    if (tick === undefined) return;
    tickOf.delete(item);
    const set = ticks.get(tick);
    set?.delete(item);
    if (set?.size === 0) ticks.delete(tick);
  }

  return {
    add(item, dueMs) {
      remove(item);
      const due = Math.ceil(dueMs / TICK_MS);
      const tick = taken === undefined ? due : Math.max(due, taken + 1);
      tickOf.set(item, tick);
      const set = ticks.get(tick);
      if (set === undefined) ticks.set(tick, new Set([item]));
      else set.add(item);
    },
    remove,
    takeDue(nowMs) {
      const until = Math.floor(nowMs / TICK_MS);
      if (taken !== undefined && until <= taken) return [];
      const due =
        taken !== undefined && until - taken < ticks.size
          ? Array.from({ length: until - taken }, (_, index) => (taken ?? 0) + 1 + index)
          : [...ticks.keys()].filter((tick) => tick <= until).sort((a, b) => a - b);
      taken = until;
      const items: Item[] = [];
      for (const tick of due) {
        for (const item of ticks.get(tick) ?? []) {
          tickOf.delete(item);
          items.push(item);
        }
        ticks.delete(tick);
      }
      return items;
    },
    clear() {
      ticks.clear();
      tickOf.clear();
    },
    get size() {
      return tickOf.size;
    },
  };
}
