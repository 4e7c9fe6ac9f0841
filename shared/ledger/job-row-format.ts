// A job's row as a DynamoDB item, to and from the union of jobs. A row that is no member of it is an error that names job and field.

import { completeOptions } from '../job/frozen-options.ts';
import type { JobId } from '../job/identity.ts';
import {
  type ControlFields,
  type Ending,
  type Job,
  type JobControl,
  type JobFault,
  type JobState,
  jobFault,
  type NewJob,
  type OpenedJob,
  type PlanCursor,
  type Progress,
  type SettledTotals,
  type UnopenedJob,
} from '../job/job.ts';
import type { JobOptions, RateOptions } from '../job/options.ts';
import { type Attributes, jobKey, numbers } from './rows.ts';
import { numeral } from './table.ts';
import { parseStoredJson, UnreadableRowError } from './unreadable-row.ts';

/** What never changes after the job's first sight; kept as one JSON text. `head` is absent where it could not be opened. */
type Frozen = Omit<OpenedJob, 'id' | 'startedAtMs'>;
type StoredFrozen = Partial<Frozen> & Pick<Frozen, 'manifest' | 'parserVersion'>;

/** A job that could not be opened is stored as one that is planned and will end as `abandoned`. */
export function writeJobRow(job: NewJob | UnopenedJob): Attributes {
  return {
    ...jobKey(job.id),
    listing: { S: 'job' },
    listedAt: { S: listedAtOf(job) },
    startedAtMs: numeral(job.startedAtMs),
    state: { S: 'planning' },
    control: { S: 'run' },
    frozen: { S: JSON.stringify(frozenOf(job)) },
    ...(job.state === 'unopened'
      ? { ending: { S: job.ending }, fault: writeFault(job.fault) }
      : { deadlineMs: numeral(job.deadlineMs), plan: { S: JSON.stringify(job.plan) } }),
  };
}

function frozenOf(job: NewJob | UnopenedJob): StoredFrozen {
  const { manifest, options, parserVersion, redriveOf } = job;
  const known = {
    manifest,
    ...(options === undefined ? {} : { options }),
    parserVersion,
    ...(redriveOf === undefined ? {} : { redriveOf }),
  };
  if (job.state === 'unopened') return known;
  const { head, files, sliceBytes, blockRows } = job;
  return { ...known, sliceBytes, blockRows, head, ...(files === undefined ? {} : { files }) };
}

/** The index's order of jobs: by their start. */
function listedAtOf({ id, startedAtMs }: Pick<Job, 'id' | 'startedAtMs'>): string {
  return `${new Date(startedAtMs).toISOString()}#${id}`;
}

export function writeFault({ code, message }: JobFault): Attributes[string] {
  return { S: JSON.stringify(jobFault(code, message)) };
}

/** @throws UnreadableRowError where the row is no job of this version or an earlier one */
export function readJobRow(item: Attributes): Job {
  const row = rowReader(item);
  const frozen = readFrozen(row);
  const known = {
    id: row.id,
    manifest: row.need('frozen manifest', frozen.manifest),
    parserVersion: row.need('frozen parserVersion', frozen.parserVersion),
    ...(frozen.redriveOf === undefined ? {} : { redriveOf: frozen.redriveOf }),
    startedAtMs: row.number('startedAtMs'),
  };
  const state = row.text('state') as JobState;
  switch (state) {
    case 'planning':
    case 'running':
      if (frozen.head === undefined) return { ...known, ...readUnopened(row, frozen) };
      return {
        ...known,
        ...readOpening(row, frozen),
        ...readLive(row),
        ...readControl(row),
        ...readStage(row, state),
      };
    case 'completed':
    case 'cancelled':
      return { ...known, ...readEnd(row), state, options: row.need('frozen options', frozen.options) };
    case 'failed':
      return { ...known, ...readEnd(row), state, ...readKnownOptions(frozen), fault: row.jobFault() };
    default:
      throw row.unreadable(`has the unknown state "${state}"`);
  }
}

/** A row of an earlier version may lack options that are new since. The rate may have been changed since the job's start. */
function readFrozen(row: RowReader): StoredFrozen {
  const frozen = row.json<StoredFrozen>('frozen');
  if (frozen.options === undefined) return frozen;
  return { ...frozen, options: { ...completeOptions(frozen.options), ...readRate(row) } };
}

/** Only these two fields: a changed rate must not replace any other option. */
function readRate(row: RowReader): Partial<RateOptions> {
  if (row.item['rate'] === undefined) return {};
  const stored = row.json<Record<string, unknown>>('rate');
  const rate: { -readonly [Name in keyof RateOptions]?: RateOptions[Name] } = {};
  for (const name of ['maxRatePerSecond', 'maxBytesPerSecond'] as const) {
    const value = stored[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value >= 0))
      throw row.unreadable(`has a rate whose ${name} is no rate`);
    rate[name] = value;
  }
  return rate;
}

/** A rate that was ordered while the job runs. It stands in for the frozen one. */
export function writeRate({ maxRatePerSecond, maxBytesPerSecond }: RateOptions): Attributes[string] {
  return { S: JSON.stringify({ maxRatePerSecond, maxBytesPerSecond }) };
}

function readUnopened(row: RowReader, frozen: StoredFrozen) {
  const ending = 'abandoned';
  // Only a job that failed at its opening has no head.
  if (row.item['ending']?.S !== ending) throw row.unreadable('has no frozen head');
  return { state: 'unopened', ending, fault: row.jobFault(), ...readKnownOptions(frozen) } as const;
}

/** An earlier version stored options without a bucket where it had not read any. */
function readKnownOptions({ head, options }: StoredFrozen): { options?: JobOptions } {
  const isKnown = options !== undefined && (head !== undefined || options.destination.bucket !== '');
  return isKnown ? { options } : {};
}

function readOpening(row: RowReader, { head, files, options, sliceBytes, blockRows }: StoredFrozen) {
  return {
    head: row.need('frozen head', head),
    ...(files === undefined ? {} : { files }),
    options: row.need('frozen options', options),
    sliceBytes: row.need('frozen sliceBytes', sliceBytes),
    blockRows: row.need('frozen blockRows', blockRows),
  };
}

function readLive(row: RowReader) {
  const { resumedAtMs, progress, settledGroups, announced } = row.item;
  return {
    deadlineMs: row.number('deadlineMs'),
    plan: row.json<PlanCursor>('plan'),
    settledGroups: numbers(settledGroups),
    ...(resumedAtMs === undefined ? {} : { resumedAtMs: row.number('resumedAtMs') }),
    ...(progress === undefined ? {} : { progress: row.json<Progress>('progress') }),
    ...(announced === undefined ? {} : { announcedPercent: row.number('announced') }),
  };
}

function readControl(row: RowReader): ControlFields {
  const control = row.text('control') as JobControl;
  switch (control) {
    case 'run':
      return { control };
    case 'paused':
      return { control, haltedAtMs: row.number('haltedAtMs') };
    case 'cancelling':
    case 'expiring': {
      const fault = row.item['fault'] === undefined ? {} : { fault: row.jobFault() };
      return { control, haltedAtMs: row.number('haltedAtMs'), ...fault };
    }
    default:
      throw row.unreadable(`has the unknown control "${control}"`);
  }
}

/** The row of a job whose slices have all settled may still say planning: its count of slices is written before its state. */
function readStage(row: RowReader, state: 'planning' | 'running') {
  const ending = row.item['ending']?.S as Ending['ending'] | undefined;
  const slices = () => row.number('slices');
  switch (ending) {
    case undefined:
      return state === 'planning' ? { state } : { state, slices: slices() };
    case 'abandoned': {
      const abandoned = { ending, fault: row.jobFault() };
      return state === 'planning' ? { state, ...abandoned } : { state, slices: slices(), ...abandoned };
    }
    case 'completed':
    case 'cancelled':
      return { state: 'running', slices: slices(), ending } as const;
    case 'failed':
      return { state: 'running', slices: slices(), ending, fault: row.jobFault() } as const;
    default:
      throw row.unreadable(`has the unknown ending "${ending}"`);
  }
}

function readEnd(row: RowReader) {
  return {
    totals: row.json<SettledTotals>('totals'),
    report: row.text('report'),
    endedAtMs: row.number('endedAtMs'),
  };
}

export function jobOfRow(item: Attributes): JobId {
  return (item['pk']?.S ?? '').slice('J#'.length) as JobId;
}

type RowReader = ReturnType<typeof rowReader>;

/** Reads a job's attributes by name. What is missing is an error that names the job and the attribute. */
function rowReader(item: Attributes) {
  const id = jobOfRow(item);
  const place = `job ${id}`;
  const unreadable = (what: string) => new UnreadableRowError(place, what);
  const need = <Value>(name: string, value: Value | undefined): Value => {
    if (value === undefined) throw unreadable(`has no ${name}`);
    return value;
  };
  const text = (name: string) => need(name, item[name]?.S);
  const json = <Value extends object>(name: string): Value => parseStoredJson(place, name, text(name));
  return {
    id,
    item,
    unreadable,
    need,
    text,
    json,
    number: (name: string): number => {
      const value = Number(need(name, item[name]?.N));
      if (!Number.isFinite(value)) throw unreadable(`has a ${name} that is not a number`);
      return value;
    },
    /** An earlier version kept faults of any length. */
    jobFault: (): JobFault => {
      const { code, message } = json<JobFault>('fault');
      return jobFault(code, message);
    },
  };
}
