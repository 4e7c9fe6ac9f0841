// A job of which no more is known than that its manifest arrived.
import { PARSER_VERSION } from '../manifest/columns.ts';
import {
  BLOCK_ROWS,
  dropJobId,
  type JobId,
  jobIdOfManifest,
  type ManifestArrival,
  SLICE_BYTES,
} from './identity.ts';
import type { Job } from './job.ts';

/** A job whose manifest can't be taken, since its key names a job that has another one. It fails under an id of its own. */
export function takenJob(arrival: ManifestArrival, named: JobId, nowMs: number): Job {
  const fault = {
    code: 'JobIdTaken',
    message: `its key names job ${named}, which has another manifest: drop it under a key outside of api/`,
  };
  return { ...unopenedJob(arrival, nowMs, dropJobId(arrival)), state: 'failed', endedAtMs: nowMs, fault };
}

/** Whether a job's manifest is the one that arrived. */
export function isManifestOf({ manifest }: Pick<Job, 'manifest'>, arrival: ManifestArrival): boolean {
  return 'versionId' in arrival
    ? manifest.versionId === arrival.versionId
    : manifest.sequencer === arrival.sequencer;
}

/** A job of which no more is known than that its manifest arrived. */
export function unopenedJob(arrival: ManifestArrival, nowMs: number, id = jobIdOfManifest(arrival)): Job {
  return {
    id,
    state: 'planning',
    manifest: { etag: '', ...arrival, sizeBytes: 0 },
    options: {
      destination: { bucket: '', prefix: '' },
      spread: 'off',
      ifExists: 'overwrite',
      retryForSeconds: 0,
      deadlineSeconds: 0,
      maxFailedPercent: 100,
      maxFailedAfterRows: 1,
      report: 'all',
    },
    parserVersion: PARSER_VERSION,
    sliceBytes: SLICE_BYTES,
    blockRows: BLOCK_ROWS,
    control: 'run',
    startedAtMs: nowMs,
    deadlineMs: nowMs,
    plan: { slices: 0, rows: 0, offset: 0, line: 1 },
    settledGroups: new Set(),
  };
}
