// What goes on beside the jobs of a chaos run: outages as the work proceeds, and sweeps far more often than each minute.
import type { Cloud } from '../../local/cloud.ts';
import type { OutageService } from '../../local/faults/outages.ts';
import type { Clock } from '../../shared/time/clock.ts';

export interface TroubleOptions {
  /** In their order, each begun when its share of the objects is stored. */
  outages: readonly OutageService[];
  outageMs: number;
  objects: number;
  sweepEveryMs: number;
}

export interface Trouble {
  /** Sweeps that have ended, well or not. */
  sweeps(): number;
  /** No more outages; sweeping goes on. */
  calm(): void;
  end(): Promise<void>;
}

const LOOK_EVERY_MS = 250;
/** Between an outage's end and the next one's begin: what it held up is to move again. */
const LULL_MS = 3_000;
/** A batch that died after it had stored its objects has not counted them: the last outage is not left to the very end. */
const LAST_SHARE = 0.85;

export function startTrouble(
  { cloud, clock }: { cloud: Cloud; clock: Clock },
  { outages, outageMs, objects, sweepEveryMs }: TroubleOptions,
): Trouble {
  const calming = new AbortController();
  const ending = new AbortController();
  const pause = (ms: number, signal: AbortSignal) => clock.sleep(ms, signal).catch(() => undefined);

  async function breakServices(): Promise<void> {
    for (const [index, service] of outages.entries()) {
      const due = (objects * LAST_SHARE * index) / outages.length;
      while ((cloud.metricsOf('upload')['ObjectsStored'] ?? 0) < due) {
        if (calming.signal.aborted) return;
        await pause(LOOK_EVERY_MS, calming.signal);
      }
      if (calming.signal.aborted) return;
      await cloud.outage(service, outageMs);
      await pause(outageMs + LULL_MS, calming.signal);
    }
  }

  let sweeps = 0;
  async function sweep(): Promise<void> {
    while (!ending.signal.aborted) {
      // It may die or fail like any other; the next one is soon due.
      await cloud.trigger('sweep').catch(() => undefined);
      sweeps += 1;
      await pause(sweepEveryMs, ending.signal);
    }
  }

  const running = Promise.all([breakServices(), sweep()]);
  return {
    sweeps: () => sweeps,
    calm: () => calming.abort(),
    async end() {
      calming.abort();
      ending.abort();
      await running;
    },
  };
}
