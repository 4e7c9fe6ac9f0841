// Follows a job on the embedded cloud until its end, and shows what happens at the destination meanwhile.
import type { Cloud } from '../../local/cloud.ts';
import type { BucketReading } from '../../local/meter/meter-reading.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import { Failure } from '../failure.ts';
import { type JobEnd, jobEnds } from '../job-end.ts';
import type { Progress } from '../progress.ts';
import { line } from '../terminal/text.ts';
import { countText } from '../text.ts';

const LOOK_EVERY_MS = 200;
/** Longer than the upload queue hides a message: what a dead worker held has come back by then. */
const STALLED_MS = 420_000;
/** The bookkeeping after the end event: acknowledgements, the last log lines. */
const SETTLING_MS = 3_000;

export async function watchJob(
  { cloud, clock }: { cloud: Cloud; clock: Clock },
  job: string,
  progress: Progress,
): Promise<JobEnd> {
  let lastWrites = -1;
  let movedAtMs = clock.now();
  for (;;) {
    const end = jobEnds(cloud).find((each) => each.job === job);
    const bucket = (await cloud.meter()).s3.buckets[cloud.names.destination];
    // The meter counts by the seconds of the system's clock.
    const writes = destinationWrites(bucket, systemClock.now());
    progress.show(
      writes.accepted,
      line`${countText(writes.perSecond)}/s · ${countText(writes.throttled)} × SlowDown`,
    );
    if (end !== undefined) return end;
    if (writes.accepted + writes.throttled !== lastWrites) movedAtMs = clock.now();
    lastWrites = writes.accepted + writes.throttled;
    if (clock.now() - movedAtMs > STALLED_MS) throw stalled(cloud, job);
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** Waits until no message is in a worker's hands any more, so that the meter has seen everything of the job. */
export async function untilSettled({ cloud, clock }: { cloud: Cloud; clock: Clock }): Promise<void> {
  const untilMs = clock.now() + SETTLING_MS;
  while (clock.now() < untilMs) {
    const depths = Object.values(await cloud.queueDepths());
    if (depths.every(({ visible, inFlight, delayed }) => visible + inFlight + delayed === 0)) return;
    await clock.sleep(LOOK_EVERY_MS);
  }
}

function destinationWrites(bucket: BucketReading | undefined, nowMs: number) {
  const lastFullSecond = Math.floor(nowMs / 1000) - 1;
  let accepted = 0;
  let throttled = 0;
  for (const count of Object.values(bucket?.operations ?? {})) {
    accepted += count.accepted;
    throttled += count.throttled;
  }
  const perSecond = bucket?.writesBySecond.find(({ second }) => second === lastFullSecond)?.accepted ?? 0;
  return { accepted, throttled, perSecond };
}

function stalled(cloud: Cloud, job: string): Failure {
  const errors = cloud
    .logs()
    .filter(({ line }) => line.includes('"level":"ERROR"'))
    .slice(-3)
    .map(({ functionName, line }) => `${functionName}: ${line.slice(0, 500)}`);
  return new Failure(
    `job ${job} has stood still for ${STALLED_MS / 60_000} minutes; the functions' last errors:${errors.length === 0 ? ' none' : ''}`,
    { details: errors },
  );
}
