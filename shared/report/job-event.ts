// The event that a job's end puts on EventBridge. It may come twice, with the same job id.
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type EndState, jobFault, type ReportedJob, unaccountedRows } from '../job/job.ts';
import { boundedText } from '../text/bounded.ts';

export interface JobEvents {
  /** @throws where the bus refuses the event */
  ended(job: ReportedJob): Promise<void>;
}

const DETAIL_TYPES: Readonly<Record<EndState, string>> = {
  completed: 'Spillway Job Completed',
  cancelled: 'Spillway Job Cancelled',
  failed: 'Spillway Job Failed',
};

export function createJobEvents({
  eventBridge,
  bus,
}: {
  eventBridge: EventBridgeClient;
  bus: string;
}): JobEvents {
  return {
    async ended(job) {
      const { Entries = [] } = await eventBridge.send(
        new PutEventsCommand({
          Entries: [
            {
              EventBusName: bus,
              Source: 'spillway',
              DetailType: DETAIL_TYPES[job.state],
              Detail: JSON.stringify({
                job: job.id,
                state: job.state,
                manifest: job.manifest,
                report: job.report,
                ...job.totals,
                unaccounted: unaccountedRows(job.totals),
                ...(job.state === 'failed' ? { fault: jobFault(job.fault.code, job.fault.message) } : {}),
              }),
            },
          ],
        }),
      );
      const refused = Entries.find((entry) => entry.ErrorCode !== undefined);
      if (refused !== undefined)
        throw new Error(
          boundedText(`EventBridge refused the event: ${refused.ErrorCode}: ${refused.ErrorMessage}`),
        );
    },
  };
}
