// File descriptors: open files, folders and sockets share what the system gives a process, some hundreds or thousands.
//
// If none is left, the file or request waits and is tried again until its retry time. From then on fewer files and requests are
// at work at once, and idle connections are closed. After a while without a lack of descriptors the bound grows back: another
// program may have caused it.
import type { Fault } from '../../shared/aws/classify.ts';
import { type Backoff, fullJitterMs } from '../../shared/pacing/backoff.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import { type Budget, createBudget } from '../../shared/transfer/budget.ts';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import { errorChain } from '../failure.ts';

const LOWER = 'lower --concurrency';
/** What each code of a lack means, and what to do. */
const LACKS = new Map([
  ['EMFILE', `the process has no file descriptor left: ${LOWER}, or raise the limit (ulimit -n)`],
  ['ENFILE', `the system's table of open files is full: ${LOWER}, or end other programs`],
  ['ENOBUFS', `the system has no memory left for files and sockets: ${LOWER}`],
]);
/** Between two tries to open the same file. */
const BACKOFF: Backoff = { baseMs: 100, capMs: 2_000 };
/** Share of what was in use that is left after a lack. */
const KEPT_SHARE = 3 / 4;
/** Milliseconds between two cuts: what was under way before the first says nothing new. */
const CUT_EVERY_MS = 500;
/** Without a lack for so long, the bound grows by this share: each new lack costs some files a wait. */
const GROW_EVERY_MS = 10_000;
const GROWTH = 1 / 4;

export type DescriptorLack = Pick<Fault, 'code' | 'message'>;

export interface Descriptors {
  /** Files at work at once. */
  files: Budget;
  /** Requests under way at once. */
  requests: Budget;
  /**
   * Opens a file or folder as soon as the system lets it.
   * @param giveUpAtMs after which it is not tried again
   * @throws SourceFault TooManyOpenFiles; else as `open`
   */
  open<Result>(open: () => Promise<Result>, giveUpAtMs: number): Promise<Result>;
  /** @returns the error of a failed request. If a descriptor was lacking, the error says what to do */
  requestFault(error: unknown): unknown;
}

export interface DescriptorDependencies {
  clock: Clock;
  random: Random;
  /** Keeps at most so many connections from now on. */
  limitSockets(most: number): void;
  /** Called at each lack, as it happens. */
  onLack(lack: DescriptorLack): void;
}

/** @param most files at work, and requests under way, at once while no descriptor is lacking */
export function createDescriptors(
  { clock, random, limitSockets, onLack }: DescriptorDependencies,
  most: number,
): Descriptors {
  let bound = most;
  let changedAtMs = Number.NEGATIVE_INFINITY;
  const files = createBudget(atOnce);
  const requests = createBudget(atOnce);

  function setBound(to: number): void {
    bound = to;
    changedAtMs = clock.now();
    limitSockets(to);
  }

  function atOnce(): number {
    if (bound < most && clock.now() - changedAtMs >= GROW_EVERY_MS) {
      setBound(Math.min(most, bound + Math.max(1, Math.floor(bound * GROWTH))));
    }
    return bound;
  }

  function cut(): void {
    if (clock.now() - changedAtMs < CUT_EVERY_MS) return;
    // A share of those in use, since the bound may lie far above. If none is in use, another program has them.
    const inUse = Math.min(bound, Math.max(files.held(), requests.held()));
    setBound(inUse === 0 ? bound : Math.max(1, Math.floor(inUse * KEPT_SHARE)));
  }

  function lacked(error: unknown): DescriptorLack | undefined {
    const lack = lackOf(error);
    if (lack === undefined) return undefined;
    cut();
    onLack(lack);
    return lack;
  }

  return {
    files,
    requests,
    async open(open, giveUpAtMs) {
      for (let tries = 0; ; tries++) {
        try {
          return await open();
        } catch (error) {
          const lack = lacked(error);
          if (lack === undefined) throw error;
          const leftMs = giveUpAtMs - clock.now();
          if (leftMs <= 0) {
            const message = `could not be opened in its retry time: ${lack.message} (${lack.code})`;
            throw new SourceFault('TooManyOpenFiles', message, error);
          }
          await clock.sleep(Math.min(leftMs, fullJitterMs(BACKOFF, tries, random)));
        }
      }
    },
    requestFault(error) {
      const lack = lacked(error);
      if (lack === undefined) return error;
      return Object.assign(new Error(lack.message, { cause: error }), { code: lack.code });
    },
  };
}

/** @returns undefined where the error is another */
export function lackOf(error: unknown): DescriptorLack | undefined {
  // A file's fault has the system's as its cause.
  for (const { code = '' } of errorChain(error)) {
    const message = LACKS.get(code);
    if (message !== undefined) return { code, message };
  }
  return undefined;
}
