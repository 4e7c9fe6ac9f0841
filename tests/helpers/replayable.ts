// Runs a property so that a failure says how to see it again: the seed, the path to the smallest case, and the command.
import path from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';

/** Below the time that ends a test. At a load of 16 the 40 cases that usually take 8 s took more than 90. */
const TIME_LIMIT_MS = 240_000;

/**
 * @param numRuns cases of a usual run; PROPERTY_RUNS asks for more or fewer
 * @throws with the smallest failing case and the command that replays it
 */
export async function assertReplayable<Ts>(
  property: fc.IRawProperty<Ts>,
  { numRuns, ...parameters }: fc.Parameters<Ts> & { numRuns: number },
): Promise<void> {
  const { PROPERTY_SEED, PROPERTY_PATH, PROPERTY_RUNS } = process.env;
  const details = await fc.check(property, {
    // Reports a failure before the test's own time limit, with the smallest case found by then.
    interruptAfterTimeLimit: TIME_LIMIT_MS,
    ...parameters,
    numRuns: Number(PROPERTY_RUNS ?? numRuns),
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH, endOnFailure: true }),
  });
  if (!details.failed) {
    if (details.interrupted) throw new Error(`only ${details.numRuns} cases in ${TIME_LIMIT_MS / 1000} s`);
    return;
  }
  const { testPath = '', currentTestName = '' } = expect.getState();
  const file = path.relative(process.cwd(), testPath);
  // As a pattern, with a dot for each character that a shell or a pattern would interpret.
  const title = currentTestName.replaceAll(/[^\w\s,>-]/gu, '.');
  throw new Error(
    `${fc.defaultReportMessage(details)}\n\nreplay: PROPERTY_SEED=${details.seed} PROPERTY_PATH=${details.counterexamplePath} npx vitest run ${file} -t '${title}'`,
    { cause: details.errorInstance },
  );
}
