// Something that runs while the tests of a file or of a describe do.
import { afterAll, beforeAll } from 'vitest';

interface Stoppable {
  stop(): Promise<void>;
}

/** @returns what `start` gives, filled in before the first test; it is stopped after the last one */
export function duringTests<T extends Stoppable>(start: () => Promise<T>): T {
  const started: Partial<T> = {};
  beforeAll(async () => {
    Object.assign(started, await start());
  });
  afterAll(() => started.stop?.());
  return started as T;
}
