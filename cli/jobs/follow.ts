// Follows a job over the API until it reaches the wanted state, with its progress on stderr.
import type { JobView } from '../../shared/job/view.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { ApiClient } from '../api/client.ts';
import { createProgress } from '../progress.ts';
import { line, type TerminalText } from '../terminal/text.ts';
import { countText, countTexts } from '../text.ts';
import { countsOf, hasEnded } from './counts.ts';

const LOOK_EVERY_MS = 1_000;
/** The pace that is shown covers about this time. */
const PACE_MS = 10_000;
/** A paused job's uploads look at its control every 5 s, and finish what is under way: then nothing of it moves. */
const STILL_MS = 15_000;

/**
 * end     it has ended
 * still   it is paused and none of its rows has ended for a while; or it has ended
 */
export type WaitFor = 'end' | 'still';

interface Sight {
  atMs: number;
  ended: number;
}

/** @param job as it stood last */
export async function followJob(
  { api, clock }: { api: ApiClient; clock: Clock },
  job: JobView,
  waitFor: WaitFor,
): Promise<JobView> {
  const bar = createProgress('rows', countsOf(job).rows);
  const sights: Sight[] = [];
  let movedAtMs = clock.now();
  try {
    for (let view = job; ; view = await api.job(job.job)) {
      const { rows, ended } = countsOf(view);
      const nowMs = clock.now();
      if (ended !== sights.at(-1)?.ended) movedAtMs = nowMs;
      sights.push({ atMs: nowMs, ended });
      while ((sights[1]?.atMs ?? nowMs) <= nowMs - PACE_MS) sights.shift();
      bar.grow(rows);
      bar.show(ended, noteOf(view, sights));
      if (hasEnded(view)) return view;
      if (waitFor === 'still' && view.state === 'paused' && nowMs - movedAtMs >= STILL_MS) return view;
      await clock.sleep(LOOK_EVERY_MS);
    }
  } finally {
    bar.end();
  }
}

function noteOf(job: JobView, sights: readonly Sight[]): TerminalText {
  const { failed, cancelled, rejected } = countsOf(job);
  const pace = job.state === 'running' ? paceOf(sights) : job.state;
  return line`${[pace, ...countTexts({ failed, cancelled, rejected })].join(' · ')}`;
}

function paceOf(sights: readonly Sight[]): string {
  const [first, last] = [sights[0], sights.at(-1)];
  if (first === undefined || last === undefined || last.atMs === first.atMs) return 'running';
  return `${countText(((last.ended - first.ended) / (last.atMs - first.atMs)) * 1000)} rows/s`;
}
