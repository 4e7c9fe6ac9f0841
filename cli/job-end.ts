// The end of a job, as the event on the bus tells it: counts, and where the report lies.
import type { Cloud } from '../local/cloud.ts';
import { emptyTotals, type JobFault, type JobState, type SettledTotals } from '../shared/job/job.ts';

export interface JobEnd extends SettledTotals {
  job: string;
  state: JobState;
  unaccounted: number;
  report?: string;
  fault?: JobFault;
  manifest: { bucket: string; key: string };
  endedAtMs: number;
}

/** The ends of jobs so far, oldest first, each job once: an event may come twice. */
export function jobEnds(cloud: Pick<Cloud, 'events'>): JobEnd[] {
  const ends = new Map<string, JobEnd>();
  for (const { source, time, detail } of cloud.events()) {
    if (source !== 'spillway') continue;
    const told = detail as Partial<JobEnd> & Pick<JobEnd, 'job' | 'state' | 'manifest'>;
    if (ends.has(told.job)) continue;
    ends.set(told.job, { ...emptyTotals(), unaccounted: 0, ...told, endedAtMs: Date.parse(time) });
  }
  return [...ends.values()];
}
