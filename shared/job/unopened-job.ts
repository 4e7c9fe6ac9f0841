// A job whose manifest can't be taken: all that is known of it is that its manifest arrived, and why it fails.
import { PARSER_VERSION } from '../manifest/columns.ts';
import { arrivedObject, dropJobId, type JobId, jobIdOfManifest, type ManifestArrival } from './identity.ts';
import type { Job, JobFault, UnopenedJob } from './job.ts';

/** A job whose manifest can't be taken, since its key names a job that has another one. It fails under an id of its own. */
export function takenJob(arrival: ManifestArrival, named: JobId, nowMs: number): UnopenedJob {
  const fault = {
    code: 'JobIdTaken',
    message: `its key names job ${named}, which has another manifest: drop it under a key outside of api/`,
  };
  return unopenedJob(arrival, nowMs, fault, dropJobId(arrival));
}

/** Whether a job's manifest is the one that arrived. */
export function isManifestOf({ manifest }: Pick<Job, 'manifest'>, arrival: ManifestArrival): boolean {
  return 'versionId' in arrival
    ? manifest.versionId === arrival.versionId
    : manifest.sequencer === arrival.sequencer;
}

export function unopenedJob(
  arrival: ManifestArrival,
  nowMs: number,
  fault: JobFault,
  id = jobIdOfManifest(arrival),
): UnopenedJob {
  return {
    id,
    state: 'unopened',
    manifest: { etag: '', ...arrivedObject(arrival), sizeBytes: 0 },
    parserVersion: PARSER_VERSION,
    startedAtMs: nowMs,
    ending: 'abandoned',
    fault,
  };
}
