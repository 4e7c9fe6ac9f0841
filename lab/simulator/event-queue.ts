// A queue of events in virtual time: a heap over flat numbers, since a long run has hundreds of millions of events.
//
// Events of the same time leave in the order in which they were added: the same seed gives the same run.

export interface SimulatedEvent {
  atMs: number;
  kind: number;
  /** Numbers of the worker and of the item or line, below 2^31. */
  subject: number;
  object: number;
}

export interface EventQueue {
  add(atMs: number, kind: number, subject: number, object: number): void;
  /** Takes the earliest event. @returns false where there is none */
  take(into: SimulatedEvent): boolean;
}

/** Children of a node: four fit one line of the processor's cache. */
const ARITY = 4;
const FIRST_CAPACITY = 1024;

export function createEventQueue(): EventQueue {
  // The fields of an event stay in its slot; the heap moves only times, orders and slot numbers.
  let times = new Float64Array(FIRST_CAPACITY);
  let orders = new Float64Array(FIRST_CAPACITY);
  let slots = new Int32Array(FIRST_CAPACITY);
  let kinds = new Uint8Array(FIRST_CAPACITY);
  let subjects = new Int32Array(FIRST_CAPACITY);
  let objects = new Int32Array(FIRST_CAPACITY);
  const freeSlots: number[] = [];
  let size = 0;
  let added = 0;

  function makeRoom(): void {
    const capacity = times.length * 2;
    const larger = <T extends { set(from: T): void }>(fresh: T, old: T): T => {
      fresh.set(old);
      return fresh;
    };
    times = larger(new Float64Array(capacity), times);
    orders = larger(new Float64Array(capacity), orders);
    slots = larger(new Int32Array(capacity), slots);
    kinds = larger(new Uint8Array(capacity), kinds);
    subjects = larger(new Int32Array(capacity), subjects);
    objects = larger(new Int32Array(capacity), objects);
  }

  const isBefore = (at: number, timeMs: number, order: number): boolean => {
    const other = times[at] as number;
    return other < timeMs || (other === timeMs && (orders[at] as number) < order);
  };
  const move = (from: number, to: number): void => {
    times[to] = times[from] as number;
    orders[to] = orders[from] as number;
    slots[to] = slots[from] as number;
  };

  return {
    add(atMs, kind, subject, object) {
      if (size === times.length) makeRoom();
      const slot = freeSlots.pop() ?? size;
      kinds[slot] = kind;
      subjects[slot] = subject;
      objects[slot] = object;
      const order = added++;
      let at = size++;
      while (at > 0) {
        const parentAt = ((at - 1) / ARITY) | 0;
        if (isBefore(parentAt, atMs, order)) break;
        move(parentAt, at);
        at = parentAt;
      }
      times[at] = atMs;
      orders[at] = order;
      slots[at] = slot;
    },

    take(into) {
      if (size === 0) return false;
      const slot = slots[0] as number;
      into.atMs = times[0] as number;
      into.kind = kinds[slot] as number;
      into.subject = subjects[slot] as number;
      into.object = objects[slot] as number;
      freeSlots.push(slot);
      size--;
      const lastMs = times[size] as number;
      const lastOrder = orders[size] as number;
      const lastSlot = slots[size] as number;
      let at = 0;
      for (;;) {
        let leastAt = at * ARITY + 1;
        if (leastAt >= size) break;
        const end = Math.min(leastAt + ARITY, size);
        for (let childAt = leastAt + 1; childAt < end; childAt++) {
          if (isBefore(childAt, times[leastAt] as number, orders[leastAt] as number)) leastAt = childAt;
        }
        if (!isBefore(leastAt, lastMs, lastOrder)) break;
        move(leastAt, at);
        at = leastAt;
      }
      times[at] = lastMs;
      orders[at] = lastOrder;
      slots[at] = lastSlot;
      return true;
    },
  };
}
