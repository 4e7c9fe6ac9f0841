// Valid records to vary: a test names only what it is about.

import { completeOptions } from '../../shared/job/frozen-options.ts';
import type { JobId } from '../../shared/job/identity.ts';
import {
  type EndedJob,
  type Ending,
  type EndState,
  emptyTotals,
  type JobControl,
  type JobEnd,
  type JobFault,
  type NewJob,
  type RunningJob,
  type SettledTotals,
  type UnopenedJob,
} from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { PARSER_VERSION } from '../../shared/manifest/columns.ts';
import type { SlicePlace } from '../../shared/manifest/slice-place.ts';
import type { UploadMessage } from '../../shared/queue/messages.ts';
import type { Outcome } from '../../shared/report/outcome.ts';
import type { ItemWrite } from './item-writes.ts';

export const JOB_ID = '0123456789abcdef0123' as JobId;
/** The turns of jobs that have no rate of their own: nothing asks for them. */
export const NO_TURNS: Pick<Ledger, 'reserveTurns' | 'bookReturns' | 'chargeBytes' | 'meanBytes'> = {
  reserveTurns: () => Promise.reject(new Error('no job here has a rate')),
  bookReturns: () => Promise.reject(new Error('no job here has a rate')),
  chargeBytes: () => Promise.reject(new Error('no job here has a rate')),
  meanBytes: () => undefined,
};

const STARTED_AT_MS = Date.UTC(2026, 0, 1);
const MANIFEST = { bucket: 'inbox', key: 'list.csv', versionId: 'v1', sizeBytes: 100, etag: '"e"' };

export const JOB_OPTIONS = completeOptions({
  destination: { bucket: 'destination', prefix: '' },
  spread: 'off',
  retryForSeconds: 3600,
});

/** A job as it is opened. */
export function aJob(change: Partial<NewJob> = {}): NewJob {
  return {
    id: JOB_ID,
    state: 'planning',
    manifest: MANIFEST,
    head: { format: 'csv', columns: ['key', 'text'], bodyOffset: 9, bodyLine: 2 },
    options: JOB_OPTIONS,
    parserVersion: PARSER_VERSION,
    sliceBytes: 8 * 1024 * 1024,
    blockRows: 500,
    control: 'run',
    startedAtMs: STARTED_AT_MS,
    deadlineMs: STARTED_AT_MS + 14 * 24 * 3600 * 1000,
    plan: { slices: 0, rows: 0, offset: 9, line: 2 },
    settledGroups: new Set(),
    ...change,
  };
}

/** A byte range of the manifest, as the place of a slice. */
export function manifestBytes(startOffset: number, endOffset: number, startLine = 1): SlicePlace {
  return { kind: 'manifest-bytes', startOffset, startLine, endOffset };
}

/** What may be changed of a running job. A control other than `run` has a time of its halt. */
export interface RunningChange extends Partial<Omit<NewJob, 'state' | 'control' | 'ending'>> {
  slices?: number;
  control?: JobControl;
  haltedAtMs?: number;
  ending?: Ending['ending'];
  fault?: JobFault;
}

export function aRunningJob({ slices = 1, control = 'run', ...change }: RunningChange = {}): RunningJob {
  return {
    ...aJob(),
    state: 'running',
    control,
    ...(control === 'run' ? {} : { haltedAtMs: STARTED_AT_MS }),
    plan: { slices, rows: slices * 10, offset: 99, line: 12 },
    slices,
    ...change,
  } as RunningJob;
}

/** What may be changed of an ended job. */
export interface EndedChange extends Partial<Omit<EndedJob, 'state'>> {
  state?: EndState;
  fault?: JobFault;
}

export function anEndedJob({ state = 'completed', ...change }: EndedChange = {}): EndedJob {
  return {
    id: JOB_ID,
    state,
    manifest: MANIFEST,
    options: JOB_OPTIONS,
    parserVersion: PARSER_VERSION,
    startedAtMs: STARTED_AT_MS,
    ...(state === 'failed' ? { fault: { code: 'Test', message: 'a test has failed it' } } : {}),
    totals: emptyTotals(),
    report: `s3://reports/jobs/${JOB_ID}/manifest.json`,
    endedAtMs: STARTED_AT_MS + 60_000,
    ...change,
  } as EndedJob;
}

/** A job that failed before its options were read. */
export function anUnopenedJob(change: Partial<UnopenedJob> = {}): UnopenedJob {
  return {
    id: JOB_ID,
    state: 'unopened',
    manifest: MANIFEST,
    parserVersion: PARSER_VERSION,
    startedAtMs: STARTED_AT_MS,
    ending: 'abandoned',
    fault: { code: 'InvalidOptions', message: 'its options can not be read' },
    ...change,
  };
}

/** A job that has failed before its options were read. */
export function anEndedWithoutOptions(): EndedJob {
  const { fault } = anUnopenedJob();
  const { options: _, ...job } = anEndedJob();
  return { ...job, state: 'failed', fault };
}

/** An end for a job, as a test gives it to the ledger. */
export function aJobEnd(change: Partial<SettledTotals> = {}): JobEnd & { state: 'completed' } {
  return {
    state: 'completed',
    totals: { ...emptyTotals(), ...change },
    report: `s3://reports/jobs/${JOB_ID}/manifest.json`,
  };
}

export function anUploadMessage(change: Partial<UploadMessage> = {}): UploadMessage {
  return {
    v: 1,
    job: JOB_ID,
    slice: 0,
    block: 0,
    number: 0,
    line: 2,
    item: { key: 'a.txt', text: 'hello' },
    firstSentAtMs: STARTED_AT_MS,
    attempts: 0,
    throttled: 0,
    returned: 0,
    reposted: 0,
    ...change,
  };
}

export function anOutcome(change: Partial<Outcome> = {}): Outcome {
  return { block: 0, number: 0, status: 'stored', line: 2, ...change };
}

export function aCopyTo(destination: ItemWrite['destination']): ItemWrite {
  return { item: { key: 'k', source: 's3://source/x' }, destination, ifExists: 'overwrite' };
}
