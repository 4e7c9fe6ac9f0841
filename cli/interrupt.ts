// Ctrl-C: the first ends a command cleanly, the second at once. Everything of the embedded cloud lives in threads of this
// process, so nothing outlives it either way.
import { steadyClock } from '../shared/time/clock.ts';

/** As a shell reports a process that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED_EXIT_CODE = 130;
/** npm and npx pass Ctrl-C on to a process that has had the signal from the terminal: signals this close together are one. */
const SAME_SIGNAL_MS = 500;
/** A cloud that has not stopped by then is left to the end of the process. */
const CLEAN_UP_MS = 5_000;

export interface Interrupt {
  /** True from the first signal on: what fails then fails because of it, and is no news. */
  isInterrupted(): boolean;
}

/** @param cleanUp runs once, at the first signal; it says what has become of the work */
export function onInterrupt(cleanUp: () => Promise<void>): Interrupt {
  let firstAtMs: number | undefined;
  const handle = (): void => {
    if (firstAtMs !== undefined) {
      if (steadyClock.now() - firstAtMs >= SAME_SIGNAL_MS) process.exit(INTERRUPTED_EXIT_CODE);
      return;
    }
    firstAtMs = steadyClock.now();
    const end = () => process.exit(INTERRUPTED_EXIT_CODE);
    setTimeout(end, CLEAN_UP_MS);
    cleanUp().then(end, end);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
  return { isInterrupted: () => firstAtMs !== undefined };
}

/** Never resolves: the interrupt ends the process. */
export function endOfProcess(): Promise<never> {
  return new Promise(() => {});
}
