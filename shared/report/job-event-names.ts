// The names under which a job's events stand on the bus: what a rule or a reader finds them by.
import type { EndState } from '../job/job.ts';

export const EVENT_SOURCE = 'spillway';

export const DETAIL_TYPES = {
  started: 'Spillway Job Started',
  progressed: 'Spillway Job Progressed',
  completed: 'Spillway Job Completed',
  cancelled: 'Spillway Job Cancelled',
  failed: 'Spillway Job Failed',
} as const satisfies Record<EndState | 'started' | 'progressed', string>;

interface Named {
  source: string;
  detailType: string;
}

const BEFORE_END: readonly string[] = [DETAIL_TYPES.started, DETAIL_TYPES.progressed];
const ENDS: readonly string[] = [DETAIL_TYPES.completed, DETAIL_TYPES.cancelled, DETAIL_TYPES.failed];

export function isBeforeEnd({ source, detailType }: Named): boolean {
  return source === EVENT_SOURCE && BEFORE_END.includes(detailType);
}

export function isEndOfJob({ source, detailType }: Named): boolean {
  return source === EVENT_SOURCE && ENDS.includes(detailType);
}
