// A queue of events in virtual time: a binary heap over numbers, since a long run holds millions of them.
//
// Events of one time leave in the order of their coming: the same seed gives the same run.

export interface EventQueue {
  add(atMs: number, kind: number, subject: number, value: number): void;
  /** Takes the earliest event. @returns false where there is none */
  take(into: SimulatedEvent): boolean;
}

export interface SimulatedEvent {
  atMs: number;
  kind: number;
  subject: number;
  value: number;
}

interface Entry extends SimulatedEvent {
  order: number;
}

export function createEventQueue(): EventQueue {
  const heap: Entry[] = [];
  let added = 0;

  const isBefore = (left: Entry, right: Entry) =>
    left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);

  return {
    add(atMs, kind, subject, value) {
      const entry = { atMs, kind, subject, value, order: added++ };
      let at = heap.length;
      heap.push(entry);
      while (at > 0) {
        const parentAt = (at - 1) >> 1;
        const parent = heap[parentAt] as Entry;
        if (!isBefore(entry, parent)) break;
        heap[at] = parent;
        at = parentAt;
      }
      heap[at] = entry;
    },
    take(into) {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return false;
      if (heap.length > 0) {
        let at = 0;
        for (;;) {
          let childAt = 2 * at + 1;
          if (childAt >= heap.length) break;
          if (childAt + 1 < heap.length && isBefore(heap[childAt + 1] as Entry, heap[childAt] as Entry))
            childAt++;
          const child = heap[childAt] as Entry;
          if (!isBefore(child, last)) break;
          heap[at] = child;
          at = childAt;
        }
        heap[at] = last;
      }
      into.atMs = first.atMs;
      into.kind = first.kind;
      into.subject = first.subject;
      into.value = first.value;
      return true;
    },
  };
}
