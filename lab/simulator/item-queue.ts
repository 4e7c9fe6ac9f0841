// The queue before the fleet: it holds a million new items at all times, and what was given back among them. Items have numbers, which are used
// again once an item is stored, since a run has millions of them.
import type { PacingGroup } from '../../shared/pacing/adaptive-pacer.ts';
import type { Random } from '../../shared/time/random.ts';
import { createFifo } from './fifo.ts';
import type { FleetOptions } from './fleet-options.ts';
import { KEYS } from './key-space.ts';

export interface Item {
  /** The number of its path. */
  key: number;
  group: PacingGroup;
  sentAtMs: number;
  isThrottled: boolean;
  /** Of this receive. */
  retries: number;
  backedOffMs: number;
  givenBack: number;
}

const VISIBLE_NEW_ITEMS = 1_000_000;

export interface ItemQueue {
  take(nowMs: number): number;
  at(number: number): Item;
  /** An item's delay is over. */
  comeBack(number: number): void;
  /** It is stored: its number is free. */
  forget(number: number): void;
}

export function createItemQueue({ keys, seconds }: FleetOptions, random: Random): ItemQueue {
  const items: Item[] = [];
  const free: number[] = [];
  const returned = createFifo();

  function nextKey(nowMs: number): number {
    if (keys === 'even') return Math.floor(random() * KEYS);
    return Math.min(KEYS - 1, Math.floor((nowMs / 1000 / seconds) * KEYS));
  }

  return {
    take(nowMs) {
      // SQS hands out whatever is visible, in no order to rely on.
      const isBack = random() * (returned.size + VISIBLE_NEW_ITEMS) < returned.size;
      const back = isBack ? returned.shift() : undefined;
      if (back !== undefined) return back;
      const number = free.pop() ?? items.length;
      const key = nextKey(nowMs);
      const item = items[number];
      if (item === undefined) items.push(newItem(key));
      else {
        item.key = key;
        item.retries = 0;
        item.backedOffMs = 0;
        item.givenBack = 0;
      }
      return number;
    },
    at: (number) => items[number] as Item,
    comeBack: (number) => returned.push(number),
    forget: (number) => free.push(number),
  };
}

function newItem(key: number): Item {
  return { key, group: '', sentAtMs: 0, isThrottled: false, retries: 0, backedOffMs: 0, givenBack: 0 };
}
