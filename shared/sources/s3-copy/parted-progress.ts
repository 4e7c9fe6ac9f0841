// How far a copy in parts gets in one delivery: its retry time begins again with each part, and its next delivery comes soon.
import type { TransferItem } from '../../transfer/engine.ts';
import type { StepItem } from '../../transfer/multipart-steps.ts';
import type { Copy } from './copier.ts';

type Progress = ReturnType<typeof createProgress>;

export function createProgress({ giveUpAtMs, retryForMs }: TransferItem) {
  let lastMs = Number.NEGATIVE_INFINITY;
  let isMade = false;
  let slowestMs = 0;
  return {
    /** Epoch ms: the retry time begins again with each part that is copied. */
    giveUpAtMs: (): number =>
      retryForMs === undefined ? giveUpAtMs : Math.max(giveUpAtMs, lastMs + retryForMs),
    isMade: (): boolean => isMade,
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

/** The item as its requests see it. */
export function stepItemOf(copy: Copy, item: TransferItem, progress: Progress): StepItem {
  return {
    write: copy,
    get giveUpAtMs() {
      return progress.giveUpAtMs();
    },
    /** An item that makes progress comes back soon, however often it was given back before. */
    get givenBack() {
      return progress.isMade() ? 0 : item.givenBack;
    },
    wasTried: item.wasTried,
    isHalted: item.isHalted,
  };
}
