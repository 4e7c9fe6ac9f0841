// Which tests run together.
import { defineConfig } from 'vitest/config';

/**
 * Ends a test that hangs, and no other: the longest take a minute on two cores that do nothing else, and a machine may do much
 * else.
 */
const HANGS_MS = 300_000;

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: HANGS_MS,
    hookTimeout: HANGS_MS,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/{unit,property,contract}/**/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'template',
          include: ['tests/template/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/{integration,browser}/**/*.test.ts'],
          // Each file has a cloud of its own and waits for half of its time: on two cores three fill each other's pauses.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Runs of minutes, and what goes by real clocks: `npm run test:long`. Most of their time is waiting: two at once.
        extends: true,
        test: {
          name: 'long',
          include: ['tests/long/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
