// A queue of numbers, first in, first out. Taking one does not move the others.

export interface Fifo {
  readonly size: number;
  push(value: number): void;
  /** @returns undefined where nothing waits, as shift does */
  first(): number | undefined;
  shift(): number | undefined;
}

/** Places of taken numbers are cut off when there are more than this many and they are more than half of all. */
const CUT_AT = 64;

export function createFifo(): Fifo {
  let values: number[] = [];
  let head = 0;
  return {
    get size() {
      return values.length - head;
    },
    push(value) {
      values.push(value);
    },
    first: () => values[head],
    shift() {
      const value = values[head];
      if (value === undefined) return undefined;
      head++;
      if (head === values.length) {
        values.length = 0;
        head = 0;
      } else if (head > CUT_AT && head * 2 > values.length) {
        values = values.slice(head);
        head = 0;
      }
      return value;
    },
  };
}
