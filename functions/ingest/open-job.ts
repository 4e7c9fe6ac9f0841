// Starts a job: makes the row that freezes how its manifest is processed. Where it can't be processed, the row says why.
import { isThere } from '../../shared/aws/object-range.ts';
import { deadlineFault } from '../../shared/job/deadline.ts';
import { rateOf } from '../../shared/job/frozen-options.ts';
import { idNamedBy, jobIdOfManifest, type ManifestArrival } from '../../shared/job/identity.ts';
import { jobFault, type NewJob, type UnopenedJob } from '../../shared/job/job.ts';
import { takenJob, unopenedJob } from '../../shared/job/unopened-job.ts';
import { PARSER_VERSION } from '../../shared/manifest/columns.ts';
import { blockRowsOf } from '../../shared/pacing/job-rate.ts';
import { jobReportKey } from '../../shared/report/report.ts';
import { findDropped } from './find-manifest.ts';
import { type OpenDependencies, openDropped } from './open-dropped.ts';

export type StartDependencies = OpenDependencies & {
  /** Days for which outcomes and converted text are kept. */
  keepDays: number;
};

/** @returns the job's new row: of a job that is planned, or of one that fails because its manifest can't be opened */
export async function startJob(
  dependencies: StartDependencies,
  arrival: ManifestArrival,
): Promise<NewJob | UnopenedJob> {
  const { reader, reportBucket, cut, keepDays, nowMs } = dependencies;
  const { s3 } = reader;
  const named = idNamedBy(arrival);
  // The job's row expires, but its report stays and must not be overwritten.
  if (named !== undefined && (await isThere(s3, { bucket: reportBucket, key: jobReportKey(named) })))
    return takenJob(arrival, named, nowMs);

  const found = await findDropped(s3, arrival);
  if (found.kind === 'gone')
    return unopenedJob(arrival, nowMs, { code: 'ManifestGone', message: found.message });
  const { manifest } = found;

  const opened = await openDropped(dependencies, found, arrival);
  if (opened.kind === 'unreadable')
    return { ...unopenedJob(arrival, nowMs, opened.fault), manifest, ...opened.known };
  const { head, options, files } = opened.opening;
  const late = deadlineFault(options, keepDays);
  if (late !== undefined)
    return { ...unopenedJob(arrival, nowMs, jobFault('InvalidOptions', late.message)), manifest, options };
  return {
    id: jobIdOfManifest(arrival),
    state: 'planning',
    manifest,
    parserVersion: PARSER_VERSION,
    blockRows: blockRowsOf(cut.blockRows, rateOf(options)),
    ...opened.opening,
    control: 'run',
    startedAtMs: nowMs,
    deadlineMs: nowMs + options.deadlineSeconds * 1000,
    plan: {
      slices: 0,
      rows: 0,
      offset: head.bodyOffset,
      line: head.bodyLine,
      ...(files === undefined ? {} : { file: 0 }),
    },
    settledGroups: new Set(),
  };
}
