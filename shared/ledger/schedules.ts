// A job's schedules: from when its next turn is free (turns.ts), and until when enough rows were sent (feed.ts). Each moves from
// where it stands, by one conditional write, however many workers move it. A write that is repeated after a lost answer leaves
// turns unused and does no other harm.
//
//   T#<job>   objectsMs, bytesMs   epoch ms: earlier turns are reserved by workers
//             unsized…             how many objects of unknown size have ended, and their bytes
//             bookedMs             epoch ms: until then, items that were given back come again
//             sentMs               epoch ms: rows that ingest has sent suffice until then
//             feeder, fedMs        the slice that ingest sends rows of, and when it last did. All that a job without a rate has
//
// A move has one of three forms:
//
//   fresh    there is no schedule yet: it begins now
//   behind   nobody moved it for a while: it goes on from a time of the caller
//   on       it goes on from where it stands
//
// A worker does not know which of them holds. It tries the one that held last, and reads the row where it does not.
import type { JobId } from '../job/identity.ts';
import type { Attributes } from './rows.ts';
import { numeral, type Table } from './table.ts';

/** Tries of a write: it fails if another worker moves the same times meanwhile. */
const TRIES = 8;
/** A slice that rows are sent of holds back those behind it. It lets go after this time without a row: it may be lost. */
const FEEDER_LEASE_MS = 60_000;
/** Rows that one worker remembers. */
const MAX_SEEN = 100;

export type Schedule = 'objectsMs' | 'bytesMs' | 'bookedMs' | 'sentMs';

/** Moves a schedule by `costMs`, if its present time is between `floorMs` and `mostMs` (epoch ms). */
export interface Move {
  schedule: Schedule;
  costMs: number;
  /** A schedule that is behind this goes on from here; a new one from `freshMs`. */
  floorMs: number;
  freshMs: number;
  mostMs: number;
  /** A schedule that is ahead of this was set by a wrong clock: it goes on from `floorMs`, too. */
  wrongMs: number;
}

type Moved =
  | { kind: 'moved'; startsMs: Partial<Record<Schedule, number>> }
  | { kind: 'ahead'; row: Attributes };

/** Which slice sends rows: another waits until it has let go. */
interface Feeding {
  slice: number;
  nowMs: number;
  /** Whether it takes over from a higher slice. That one notices when it asks again, so for a while both may send. */
  takesOver: boolean;
}

export const turnsKey = (job: JobId): Attributes => ({ pk: { S: `T#${job}` } });

export function createSchedules(table: Table) {
  /** By job: the row as this worker last saw it. It tells which form of a move will probably hold. */
  const rows = new Map<JobId, Attributes>();

  function remember(job: JobId, row: Attributes): void {
    rows.delete(job);
    rows.set(job, row);
    const [oldest] = rows.keys();
    if (rows.size > MAX_SEEN && oldest !== undefined) rows.delete(oldest);
  }

  async function move(job: JobId, moves: readonly Move[], feeding?: Feeding): Promise<Moved> {
    let row = rows.get(job) ?? {};
    for (let tries = 0; tries < TRIES; tries++) {
      const updated = await table.update(turnsKey(job), changeOf(moves, row, table.expiry(), feeding));
      if (updated !== undefined) {
        remember(job, updated);
        const starts = moves.map(({ schedule, costMs }) => [
          schedule,
          numberIn(updated, schedule, 0) - costMs,
        ]);
        return { kind: 'moved', startsMs: Object.fromEntries(starts) };
      }
      row = (await table.get(turnsKey(job))) ?? {};
      remember(job, row);
      if (moves.some((each) => isAhead(each, row)) || isFedByOther(row, feeding))
        return { kind: 'ahead', row };
    }
    throw new Error(`the turns of job ${job} changed ${TRIES} times while some were to be reserved`);
  }

  return {
    /** @returns where each move began, or the row where one of them has to wait */
    move,
    remember,
    /** The row as this worker last saw it. */
    seen: (job: JobId): Attributes => rows.get(job) ?? {},
  };
}

/** One conditional write for all moves. @param row as it was last seen */
function changeOf(
  moves: readonly Move[],
  row: Attributes,
  expiresAt: Attributes[string],
  feeding: Feeding | undefined,
) {
  const sets = ['expiresAt = :expiresAt'];
  const conditions: string[] = [];
  const values: Attributes = { ':expiresAt': expiresAt };
  for (const each of moves) {
    const { schedule, costMs, floorMs, freshMs, mostMs, wrongMs } = each;
    const value = (name: string, ms: number) => {
      values[`:${schedule}${name}`] = milliseconds(ms);
      return `:${schedule}${name}`;
    };
    switch (formOf(each, row)) {
      case 'fresh':
        sets.push(`${schedule} = ${value('Next', freshMs + costMs)}`);
        conditions.push(`attribute_not_exists(${schedule})`);
        break;
      case 'behind':
        sets.push(`${schedule} = ${value('Next', floorMs + costMs)}`);
        conditions.push(
          `(${schedule} < ${value('Floor', floorMs)} OR ${schedule} > ${value('Wrong', wrongMs)})`,
        );
        break;
      case 'on':
        sets.push(`${schedule} = ${schedule} + ${value('Cost', costMs)}`);
        conditions.push(`${schedule} BETWEEN ${value('Floor', floorMs)} AND ${value('Most', mostMs)}`);
    }
  }
  if (feeding !== undefined) {
    values[':slice'] = numeral(feeding.slice);
    values[':now'] = milliseconds(feeding.nowMs);
    values[':lease'] = milliseconds(feeding.nowMs - FEEDER_LEASE_MS);
    sets.push('feeder = :slice', 'fedMs = :now');
    const isMine = feeding.takesOver ? 'feeder >= :slice' : 'feeder = :slice';
    conditions.push(`(attribute_not_exists(feeder) OR ${isMine} OR fedMs < :lease)`);
  }
  return {
    UpdateExpression: `SET ${sets.join(', ')}`,
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeValues: values,
  };
}

function formOf({ schedule, floorMs, wrongMs }: Move, row: Attributes): 'fresh' | 'behind' | 'on' {
  if (row[schedule] === undefined) return 'fresh';
  const atMs = numberIn(row, schedule, 0);
  return atMs < floorMs || atMs > wrongMs ? 'behind' : 'on';
}

function isAhead({ schedule, mostMs, wrongMs }: Move, row: Attributes): boolean {
  const atMs = numberIn(row, schedule, 0);
  return atMs > mostMs && atMs <= wrongMs;
}

export function isFedByOther(row: Attributes, feeding: Feeding | undefined): boolean {
  if (feeding === undefined || row['feeder'] === undefined) return false;
  const isHeld = numberIn(row, 'fedMs', 0) >= feeding.nowMs - FEEDER_LEASE_MS;
  const feeder = numberIn(row, 'feeder', 0);
  return isHeld && (feeding.takesOver ? feeder < feeding.slice : feeder !== feeding.slice);
}

export function numberIn(
  row: Attributes,
  name: Schedule | 'feeder' | 'fedMs' | 'unsized' | 'unsizedBytes',
  otherwise: number,
): number {
  const value = row[name]?.N;
  return value === undefined ? otherwise : Number(value);
}

/** To the microsecond: at 100,000 objects a second a turn takes ten of them. */
export function milliseconds(value: number): Attributes[string] {
  return numeral(Math.round(value * 1000) / 1000);
}
