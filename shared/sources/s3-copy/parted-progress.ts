// How far a copy in parts gets in one delivery: its retry time begins again with each part, and its next delivery comes soon.
import type { TransferItem } from '../../transfer/engine.ts';
import type { Copy } from './copier.ts';

/** @returns the item as its requests see it, a StepItem, and what is noted of its parts */
export function createProgress(copy: Copy, item: TransferItem) {
  const { giveUpAtMs, retryForMs, wasTried, isHalted } = item;
  let lastMs = Number.NEGATIVE_INFINITY;
  let isMade = false;
  let slowestMs = 0;
  return {
    write: copy,
    wasTried,
    isHalted,
    /** Epoch ms: the retry time begins again with each part that is copied. */
    get giveUpAtMs(): number {
      return retryForMs === undefined ? giveUpAtMs : Math.max(giveUpAtMs, lastMs + retryForMs);
    },
    /** An item that makes progress comes back soon, however often it was given back before. */
    get givenBack(): number {
      return isMade ? 0 : item.givenBack;
    },
    /** Milliseconds of the slowest part of this delivery. */
    get slowestMs(): number {
      return slowestMs;
    },
    /** @param tookMs absent for a part of an earlier delivery */
    made(atMs: number | undefined, tookMs?: number): void {
      if (atMs !== undefined) lastMs = Math.max(lastMs, atMs);
      if (tookMs === undefined) return;
      isMade = true;
      slowestMs = Math.max(slowestMs, tookMs);
    },
  };
}
