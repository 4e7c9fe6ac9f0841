// Whether a job ends while its outcomes are kept. A job that ends later would report stored rows as lost.
import type { JobOptions, OptionFault } from './options.ts';

const DAY_SECONDS = 24 * 3600;
/** A job ends up to six hours after its deadline (functions/dead-letters/decide.ts), and then reads its oldest outcomes. */
const ENDING_DAYS = 1;

/** @param keepDays days for which this deployment keeps outcomes, and the text of converted manifests */
export function deadlineFault(
  { deadlineSeconds }: Pick<JobOptions, 'deadlineSeconds'>,
  keepDays: number,
): (OptionFault & { option: string }) | undefined {
  const most = (keepDays - ENDING_DAYS) * DAY_SECONDS;
  if (deadlineSeconds <= most) return undefined;
  const message = `deadline-seconds is ${deadlineSeconds}, and this stage keeps outcomes for ${keepDays} days, the last for the end of the job: give ${most} at most, or deploy with a larger reportDays`;
  return { option: 'deadline-seconds', message };
}
