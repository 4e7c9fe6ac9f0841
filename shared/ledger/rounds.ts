// Sweep's memory of a job. It has rows of its own, which only sweep reads and writes.
//
//   R#<job>   where its round over the job's slices stands
import type { JobId } from '../job/identity.ts';
import type { Progress } from '../job/job.ts';
import { parseJson } from '../text/parse-json.ts';
import { emptyProgress } from './progress.ts';
import type { Attributes } from './rows.ts';
import type { Table } from './table.ts';

/** A job of many slices is looked at in stretches: a round has gone over all of them. */
export interface Round {
  /** The slice that it goes on with. */
  next: number;
  /** Sum of the slices before that one. */
  sum: Progress;
  /** The plan as it was last seen, and when it last changed or was last requested again. Epoch ms. */
  plan?: { slices: number; sinceMs: number };
}

const roundKey = (job: JobId): Attributes => ({ pk: { S: `R#${job}` } });

export function createRounds(table: Table) {
  return {
    /** A job that was never looked at is at the start of its first round. */
    async getRound(job: JobId): Promise<Round> {
      const text = (await table.get(roundKey(job)))?.['round']?.S;
      return (text === undefined ? undefined : parseRound(text)) ?? { next: 0, sum: emptyProgress() };
    },

    /** It is not removed at the job's end: it expires by itself some time after its last change. */
    async putRound(job: JobId, round: Round): Promise<void> {
      await table.update(roundKey(job), {
        UpdateExpression: 'SET round = :round, expiresAt = :expiresAt',
        ExpressionAttributeValues: {
          ':round': { S: JSON.stringify(round) },
          ':expiresAt': table.expiry(),
        },
      });
    },
  };
}

/** @returns undefined where it can't be read: only a position is lost then, and the round starts again */
function parseRound(text: string): Round | undefined {
  const round = parseJson(text) as Round | null | undefined;
  return typeof round?.next === 'number' && typeof round.sum?.rows === 'number' ? round : undefined;
}
