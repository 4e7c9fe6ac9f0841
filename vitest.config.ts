// Which tests run together.
import { defineConfig } from 'vitest/config';

const SECOND_MS = 1000;

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/{unit,property,contract}/**/*.test.ts'],
          // None of them waits for real time: this bounds a test that hangs, also on a machine that does much else.
          testTimeout: 120 * SECOND_MS,
          hookTimeout: 60 * SECOND_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'template',
          include: ['tests/template/**/*.test.ts'],
          testTimeout: 60 * SECOND_MS,
          hookTimeout: 120 * SECOND_MS,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/{integration,browser}/**/*.test.ts'],
          testTimeout: 120 * SECOND_MS,
          hookTimeout: 60 * SECOND_MS,
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
          testTimeout: 120 * SECOND_MS,
          hookTimeout: 60 * SECOND_MS,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
