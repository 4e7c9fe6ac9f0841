// The events that a job puts on EventBridge: its start, its progress and its end. Each may come twice, with the same `id`.
// Their details are described in job-event-schemas.ts, and for users in docs/events.md.
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  type JobState,
  jobFault,
  type KnownJob,
  type LiveJob,
  type Progress,
  type ReportedJob,
  unaccountedRows,
} from '../job/job.ts';
import { boundedText } from '../text/bounded.ts';
import { DETAIL_TYPES, EVENT_SOURCE } from './job-event-names.ts';
import type { EndedDetail, ProgressedDetail, StartedDetail } from './job-event-schemas.ts';

/** How far a job is. The counts are absent where its slices are measured, not its rows. */
export interface Measure {
  /** From 10 to 90, in steps of 10. */
  percent: number;
  rows: number;
  counts?: Pick<Progress, 'done' | 'failed' | 'cancelled' | 'rejected'>;
}

export type JobEvents = ReturnType<typeof createJobEvents>;

/** Each event throws where the bus refuses it. */
export function createJobEvents({ eventBridge, bus }: { eventBridge: EventBridgeClient; bus: string }) {
  async function put(
    detailType: string,
    detail: StartedDetail | ProgressedDetail | EndedDetail,
  ): Promise<void> {
    const { Entries = [] } = await eventBridge.send(
      new PutEventsCommand({
        Entries: [
          {
            EventBusName: bus,
            Source: EVENT_SOURCE,
            DetailType: detailType,
            Detail: JSON.stringify(detail),
          },
        ],
      }),
    );
    const refused = Entries.find((entry) => entry.ErrorCode !== undefined);
    if (refused === undefined) return;
    throw new Error(
      boundedText(`EventBridge refused the event: ${refused.ErrorCode}: ${refused.ErrorMessage}`),
    );
  }

  return {
    started: (job: LiveJob): Promise<void> => put(DETAIL_TYPES.started, startedOf(job)),
    progressed: (job: LiveJob, measure: Measure): Promise<void> =>
      put(DETAIL_TYPES.progressed, progressedOf(job, measure)),
    ended: (job: ReportedJob): Promise<void> => put(DETAIL_TYPES[job.state], endedOf(job)),
  };
}

function commonOf<State extends JobState>(
  { id, manifest }: Pick<KnownJob, 'id' | 'manifest'>,
  state: State,
  what: string,
) {
  return { version: 1 as const, id: `${id}/${what}`, job: id, state, manifest };
}

function startedOf(job: LiveJob): StartedDetail {
  const { bucket, prefix } = job.options.destination;
  return {
    ...commonOf(job, job.state, 'started'),
    destination: `s3://${bucket}/${prefix}`,
    startedAt: new Date(job.startedAtMs).toISOString(),
    deadline: new Date(job.deadlineMs).toISOString(),
    ...(job.redriveOf === undefined ? {} : { redriveOf: job.redriveOf }),
  };
}

function progressedOf(job: LiveJob, { percent, rows, counts }: Measure): ProgressedDetail {
  return {
    ...commonOf(job, 'running', `progressed/${percent}`),
    percent,
    rows,
    ...(counts === undefined ? {} : { counts }),
  };
}

function endedOf(job: ReportedJob): EndedDetail {
  const counts = { report: job.report, ...job.totals, unaccounted: unaccountedRows(job.totals) };
  if (job.state !== 'failed') return { ...commonOf(job, job.state, 'ended'), ...counts };
  const fault = jobFault(job.fault.code, job.fault.message);
  return { ...commonOf(job, job.state, 'ended'), ...counts, fault };
}
