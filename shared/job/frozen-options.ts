// What is read of a stored job's options. Apart from options.ts: upload reads jobs, and needs none of what parses options.
import type { JobRate } from '../pacing/job-rate.ts';
import { onFirstUse } from '../time/on-first-use.ts';
import type { JobOption, OptionTable } from './option-kinds.ts';
import { OPTIONS } from './option-table.ts';
import type { JobOptions, RateOptions } from './options.ts';

/** The job's own rate, as its workers hold it. */
export function rateOf({ maxRatePerSecond, maxBytesPerSecond }: RateOptions): JobRate {
  return { objectsPerSecond: maxRatePerSecond, bytesPerSecond: maxBytesPerSecond };
}

const defaults = onFirstUse(() => storedDefaults(OPTIONS));

/**
 * The options of a stored job, with the defaults of those that the version which stored it did not have. Values stay as they
 * were frozen, even where a new job could not have them: a job goes on by the rules that it began under.
 */
export function completeOptions(frozen: Partial<JobOptions>): JobOptions {
  return { ...defaults(), ...frozen } as JobOptions;
}

/** By field, of the options that have one. */
export function storedDefaults(table: OptionTable): Record<string, string | number | undefined> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([field, option]) =>
      'default' in option ? [[field, storedDefaultOf(option)]] : [],
    ),
  );
}

/** The value in jobs of versions that did not have the option. */
export function storedDefaultOf(option: JobOption): string | number | undefined {
  if (option.kind === 'choice') return option.storedDefault ?? option.default;
  return 'default' in option ? option.default : undefined;
}
