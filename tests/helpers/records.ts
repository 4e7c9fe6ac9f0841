// Valid records to vary: a test names only what it is about.
import type { JobId } from '../../shared/job/identity.ts';
import type { Job } from '../../shared/job/job.ts';
import { completeOptions } from '../../shared/job/options.ts';
import { PARSER_VERSION } from '../../shared/manifest/columns.ts';
import type { SlicePlace } from '../../shared/manifest/slice-place.ts';
import type { UploadMessage } from '../../shared/queue/messages.ts';
import type { Outcome } from '../../shared/report/outcome.ts';
import type { ItemWrite } from './item-writes.ts';

export const JOB_ID = '0123456789abcdef0123' as JobId;
const STARTED_AT_MS = Date.UTC(2026, 0, 1);

export function aJob(change: Partial<Job> = {}): Job {
  return {
    id: JOB_ID,
    state: 'planning',
    manifest: { bucket: 'inbox', key: 'list.csv', versionId: 'v1', sizeBytes: 100, etag: '"e"' },
    head: { format: 'csv', columns: ['key', 'text'], bodyOffset: 9, bodyLine: 2 },
    options: completeOptions({
      destination: { bucket: 'destination', prefix: '' },
      spread: 'off',
      retryForSeconds: 3600,
    }),
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
