// A change of a running job's rate: its schedules, which were moved by the old rate, go on by the new one.
import type { JobId } from '../job/identity.ts';
import { costOf, isBounded, type JobRate, type TurnCost } from '../pacing/job-rate.ts';
import { milliseconds, numberIn, type Schedule, turnsKey } from './schedules.ts';
import type { Table } from './table.ts';

/** Tries of a change: it fails if a worker moves the schedule meanwhile. */
const SCALE_TRIES = 8;

/** Items booked and rows sent by the old rate last longer or shorter by the new one, and so do bytes that were written ahead. */
export async function rescaleTurns(table: Table, job: JobId, before: JobRate, after: JobRate): Promise<void> {
  if (!isBounded(before) || !isBounded(after)) return;
  const row = await table.get(turnsKey(job));
  if (row === undefined) return;
  const now = Number(table.now().N);
  const one = { before: costOf(before, 1), after: costOf(after, 1) };
  /** A bound that was removed holds nothing back. */
  const factorOf = (of: keyof TurnCost) => (one.before[of] > 0 ? one.after[of] / one.before[of] : undefined);
  const factors = { objectsMs: factorOf('objectsMs'), bytesMs: factorOf('bytesMs') };
  // It is not known which of the two bounds is the stricter one. Rows sent too soon wait in the queue; rows sent too late leave
  // it empty.
  const least = Math.min(...Object.values(factors).filter((factor) => factor !== undefined));
  const scaled = (schedule: Schedule, factor: number) => {
    const atMs = numberIn(row, schedule, now);
    return milliseconds(atMs > now ? now + (atMs - now) * factor : atMs);
  };
  await table.update(turnsKey(job), {
    UpdateExpression: 'SET bookedMs = :booked, sentMs = :sent',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeValues: { ':booked': scaled('bookedMs', least), ':sent': scaled('sentMs', least) },
  });
  if (numberIn(row, 'bytesMs', now) > now) await scaleBytes(table, job, factors.bytesMs ?? 1);
}

/** One large object may have taken hours of the old rate. Workers reserve turns meanwhile: none of them may be lost. */
async function scaleBytes(table: Table, job: JobId, factor: number): Promise<void> {
  const nowMs = () => Number(table.now().N);
  for (let tries = 0; tries < SCALE_TRIES; tries++) {
    const row = (await table.get(turnsKey(job))) ?? {};
    const was = row['bytesMs'];
    const aheadMs = numberIn(row, 'bytesMs', 0) - nowMs();
    if (was === undefined || aheadMs <= 0) return;
    const moved = await table.update(turnsKey(job), {
      UpdateExpression: 'SET bytesMs = :bytes',
      ConditionExpression: 'bytesMs = :was',
      ExpressionAttributeValues: { ':bytes': milliseconds(nowMs() + aheadMs * factor), ':was': was },
    });
    if (moved !== undefined) return;
  }
  throw new Error(`the turns of job ${job} changed ${SCALE_TRIES} times while its rate was to be changed`);
}
