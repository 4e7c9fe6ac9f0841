// What ingest starts jobs with, as most tests want it.
import type { StartDependencies } from '../../functions/ingest/open-job.ts';

export function startingWith(
  reader: StartDependencies['reader'],
  change: Partial<StartDependencies> = {},
): StartDependencies {
  return {
    reader,
    destinationBuckets: ['destination'],
    manifestBuckets: [],
    keepDays: 100,
    sourceBuckets: [],
    reportBucket: 'reports',
    cut: { sliceBytes: 100, blockRows: 2 },
    nowMs: 1_000,
    ...change,
  };
}
