// Which tests run together.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// The cache of compiled code that the command uses (cli/start.js): the clouds of the tests start functions again and again.
process.env['NODE_COMPILE_CACHE'] ||= fileURLToPath(new URL('node_modules/.cache/spillway', import.meta.url));

/**
 * Ends a test that hangs, and no other: the longest take a minute on two cores that do nothing else, and a machine may do much
 * else.
 */
const HANGS_MS = 300_000;

/**
 * Files at once. Those that start a cloud wait for half of their time, so three more than there are cores fill the pauses. Vitest
 * takes the projects of a group in the order of their names: what waits comes first, what only computes fills up the end.
 */
const TOGETHER = { maxWorkers: availableParallelism() + 3, sequence: { groupOrder: 0 } };

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: HANGS_MS,
    hookTimeout: HANGS_MS,
    projects: [
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/{integration,browser}/**/*.test.ts'],
          // Each file closes the clouds that it starts, and puts back the environment that it changes.
          isolate: false,
          ...TOGETHER,
        },
      },
      {
        extends: true,
        test: {
          name: 'template',
          include: ['tests/template/**/*.test.ts'],
          ...TOGETHER,
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/{unit,property,contract}/**/*.test.ts'],
          // A process for each of 190 files takes longer than their tests. None leaves anything behind for the next.
          isolate: false,
          ...TOGETHER,
        },
      },
      {
        // Runs of minutes, fleets in virtual time, and what goes by real clocks: `npm run test:long`. Most of their time is waiting:
        // two at once.
        extends: true,
        test: {
          name: 'long',
          include: ['tests/long/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
