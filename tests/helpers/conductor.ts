// Runs workers side by side, one step at a time, in an order that a script decides. Every call of a worker to a service waits
// for its turn. A worker can die before or after a call's effect, and a call can fail with or without its effect.
// Between two turns all workers run until each waits for a call, so the same script gives the same run.
import type { Clock } from '../../shared/time/clock.ts';
import './loaded-code.ts';

/**
 * done           the call has its effect, and its answer comes
 * failed         it has none: the caller gets an error
 * answer lost    it has its effect: the caller gets an error
 * killed before  the worker dies, and the call has no effect
 * killed after   the worker dies after the effect
 */
export const FATES = ['done', 'failed', 'answer lost', 'killed before', 'killed after'] as const;
export type Fate = (typeof FATES)[number];

/** One run of a function, with the calls that wait for their turns. */
export interface Worker {
  name: string;
  /** Its dependencies make every call to a service through this. */
  act<T>(call: string, effect: () => T | Promise<T>): Promise<T>;
  clock: Clock;
}

interface Waiting {
  worker: RunningWorker;
  call: string;
  /** Epoch ms; of a sleep alone. */
  dueMs?: number;
  go(fate: Fate): Promise<void>;
}

interface RunningWorker {
  name: string;
  isDead: boolean;
  /** Called once, when it dies: its messages can then be received again. */
  onDeath(): void;
}

/** Idle turns of the event loop after which no worker runs any more: streams and promises need a few. */
const QUIET_TURNS = 12;
/** A worker that waits for no call may be loading code, which takes longer on a busy machine. After this it hangs. */
const HANGS_MS = 60_000;
const LOADING_PAUSE_MS = 5;

export type Conductor = ReturnType<typeof createConductor>;

export function createConductor(startMs = Date.UTC(2026, 0, 1)) {
  let nowMs = startMs;
  let waiting: Waiting[] = [];
  let running = new Set<RunningWorker>();
  let stirs = 0;
  /** What happened, in order: printed when a property fails. */
  const log: string[] = [];

  function die(worker: RunningWorker): void {
    worker.isDead = true;
    waiting = waiting.filter((each) => each.worker !== worker);
    // Of several calls at once, one that failed may have ended it, while another still waits for its turn.
    if (running.delete(worker)) worker.onDeath();
  }

  function wait(entry: Waiting): void {
    stirs++;
    if (!entry.worker.isDead) waiting.push(entry);
  }

  function workerFor(self: RunningWorker): Worker {
    return {
      name: self.name,
      act: (call, effect) =>
        new Promise((resolve, reject) => {
          const go = async (fate: Fate) => {
            log.push(`${self.name}  ${call}${fate === 'done' ? '' : `  ${fate.toUpperCase()}`}`);
            if (fate === 'killed before') return die(self);
            if (fate === 'failed') return reject(new Error(`${call} failed`));
            try {
              const answer = await effect();
              if (fate === 'killed after') die(self);
              else if (fate === 'answer lost') reject(new Error(`the answer to ${call} was lost`));
              else resolve(answer);
            } catch (error) {
              // The world itself refused: a condition that does not hold, an object that is not there.
              if (fate === 'killed after') die(self);
              else reject(error as Error);
            }
          };
          wait({ worker: self, call, go });
        }),
      clock: {
        now: () => nowMs,
        sleep: (ms, signal) =>
          new Promise((resolve, reject) => {
            // Clocks tell whole milliseconds.
            const dueMs = nowMs + Math.ceil(ms);
            const entry: Waiting = {
              worker: self,
              call: `sleeps ${ms} ms`,
              dueMs,
              go: async () => {
                nowMs = Math.max(nowMs, dueMs);
                log.push(`${self.name}  wakes`);
                resolve();
              },
            };
            signal?.addEventListener('abort', () => {
              stirs++;
              waiting = waiting.filter((each) => each !== entry);
              reject(signal.reason);
            });
            if (signal?.aborted) reject(signal.reason);
            else wait(entry);
          }),
      },
    };
  }

  async function untilQuiet(): Promise<void> {
    const givenUpAtMs = Date.now() + HANGS_MS;
    for (;;) {
      let seen = -1;
      for (let quiet = 0; quiet < QUIET_TURNS; quiet = stirs === seen ? quiet + 1 : 0) {
        seen = stirs;
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (isNoneBusy()) return;
      if (Date.now() > givenUpAtMs) throw new Error('a worker neither calls nor sleeps nor ends');
      await new Promise((resolve) => setTimeout(resolve, LOADING_PAUSE_MS));
    }
  }

  /** Whether each worker that runs waits for a call or sleeps. */
  function isNoneBusy(): boolean {
    return [...running].every((worker) => waiting.some((entry) => entry.worker === worker));
  }

  async function run(entry: Waiting | undefined, fate: Fate): Promise<boolean> {
    if (entry === undefined) return false;
    waiting = waiting.filter((each) => each !== entry);
    await entry.go(fate);
    await untilQuiet();
    return true;
  }

  const calls = () => waiting.filter(({ dueMs }) => dueMs === undefined);
  const sleeps = () =>
    waiting
      .filter(({ dueMs }) => dueMs !== undefined)
      .toSorted((left, right) => (left.dueMs ?? 0) - (right.dueMs ?? 0));

  return {
    log,
    now: () => nowMs,
    advance(ms: number) {
      nowMs += ms;
    },
    running: () => running.size,
    /**
     * Starts a worker, which runs up to its first call.
     * @param work ends when the worker has nothing more to do; after the worker's death it may never end
     */
    async start(name: string, work: (worker: Worker) => Promise<void>, onDeath: () => void): Promise<void> {
      const self: RunningWorker = { name, isDead: false, onDeath };
      running.add(self);
      log.push(`${name}  starts`);
      const end = () => {
        stirs++;
        if (!self.isDead) running.delete(self);
      };
      work(workerFor(self)).then(end, (error: Error) => {
        log.push(`${name}  THROWS ${error.message}`);
        if (!self.isDead) onDeath();
        end();
      });
      await untilQuiet();
    },
    /** Gives one of the waiting calls its turn. @returns whether there was one */
    step: (pick: number, fate: Fate = 'done') => run(calls()[pick % Math.max(1, calls().length)], fate),
    /** Time passes until the first sleeper wakes. @returns whether there was one */
    wake: () => run(sleeps()[0], 'done'),
    /** Runs every worker to its end. */
    async drain(): Promise<void> {
      while (running.size > 0) {
        if (await this.step(0)) continue;
        if (await this.wake()) continue;
        throw new Error(`${[...running].map(({ name }) => name).join(', ')} neither waits nor ends`);
      }
    },
    /** Kills every worker that still runs. */
    end() {
      for (const worker of running) worker.isDead = true;
      running = new Set();
      waiting = [];
    },
  };
}
