// The queue before the fleet: it holds a million new items at all times, and items that were given back among them. Items have
// numbers. A stored item's number is used again, since a run has millions of items.
import type { PacingGroup } from '../../shared/pacing/adaptive-pacer.ts';
import type { Tries } from '../../shared/pacing/retry.ts';
import type { Random } from '../../shared/time/random.ts';
import { createFifo } from './fifo.ts';
import type { FleetOptions } from './fleet-options.ts';
import { KEYS } from './key-space.ts';

export interface Item extends Tries {
  /** The number of its path. */
  key: number;
  group: PacingGroup;
  /** Until when it may wait in its line. */
  untilMs: number;
  sentAtMs: number;
  isThrottled: boolean;
  givenBack: number;
}

const VISIBLE_NEW_ITEMS = 1_000_000;

export interface ItemQueue {
  take(nowMs: number): number;
  at(number: number): Item;
  /** Counts the item as given back, and forgets its tries. Its delay begins. */
  giveBack(number: number): void;
  /** The item's delay is over. */
  comeBack(number: number): void;
  /** The item has ended: its number is free. */
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
        item.givenBack = 0;
        item.attempts = 0;
        item.backedOffMs = 0;
        item.wasTried = false;
      }
      return number;
    },
    at: (number) => items[number] as Item,
    giveBack(number) {
      const item = items[number] as Item;
      item.givenBack++;
      item.wasTried ||= item.attempts > 0;
      item.attempts = 0;
      item.backedOffMs = 0;
    },
    comeBack: (number) => returned.push(number),
    forget: (number) => free.push(number),
  };
}

function newItem(key: number): Item {
  return {
    key,
    group: '',
    untilMs: 0,
    sentAtMs: 0,
    isThrottled: false,
    givenBack: 0,
    attempts: 0,
    backedOffMs: 0,
    wasTried: false,
    // No item grows too old here: a run is shorter than the retry time of any job.
    giveUpAtMs: Number.POSITIVE_INFINITY,
  };
}
