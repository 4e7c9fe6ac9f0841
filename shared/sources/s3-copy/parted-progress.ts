// How far a copy in parts gets in one delivery: its retry time begins again with each part, and its next delivery comes soon.
import type { TransferItem } from '../../transfer/engine.ts';
import type { StepItem } from '../../transfer/multipart-steps.ts';
import type { Copy } from './copier.ts';

export interface Progress {
  /** Epoch ms: the retry time begins again with each part that is copied. */
  giveUpAtMs(): number;
  isMade(): boolean;
  /** Milliseconds of the slowest part of this delivery. */
  readonly slowestMs: number;
  /** @param tookMs absent for a part of an earlier delivery */
  made(atMs: number | undefined, tookMs?: number): void;
}

export function createProgress({ giveUpAtMs, retryForMs }: TransferItem): Progress {
  let lastMs = Number.NEGATIVE_INFINITY;
  let isMade = false;
  let slowestMs = 0;
  return {
    giveUpAtMs: () => (retryForMs === undefined ? giveUpAtMs : Math.max(giveUpAtMs, lastMs + retryForMs)),
    isMade: () => isMade,
    get slowestMs() {
      return slowestMs;
    },
    made(atMs, tookMs) {
      if (atMs !== undefined) lastMs = Math.max(lastMs, atMs);
      if (tookMs === undefined) return;
      isMade = true;
      slowestMs = Math.max(slowestMs, tookMs);
    },
  };
}

/** The item as its requests see it. */
export function stepItemOf(copy: Copy, item: TransferItem, progress: Progress): StepItem {
  return {
    write: copy,
    get giveUpAtMs() {
      return progress.giveUpAtMs();
    },
    /** An item that gets on comes back soon, however often it came before. */
    get givenBack() {
      return progress.isMade() ? 0 : item.givenBack;
    },
    wasTried: item.wasTried,
    isHalted: item.isHalted,
  };
}
