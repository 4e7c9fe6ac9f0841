// The eight strategies, the plainest first.
import { spillway, spillwaySpread } from './paced.ts';
import { exponential, fixedDelay, fullJitter, naive } from './retrying.ts';
import { sdkAdaptive, sdkStandard } from './sdk.ts';
import type { Strategy } from './strategy.ts';

export const STRATEGIES: readonly Strategy[] = [
  naive,
  fixedDelay,
  exponential,
  fullJitter,
  sdkStandard,
  sdkAdaptive,
  spillway,
  spillwaySpread,
];
