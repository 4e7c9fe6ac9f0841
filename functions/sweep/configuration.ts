// The environment variables of sweep.
import * as variables from '../runtime/configuration.ts';

/** Ten days, for which the queues keep a message. */
const MAX_REPLAY_SECONDS = 864_000;

export const sweepConfiguration = {
  SPILLWAY_LEDGER_TABLE: variables.table,
  SPILLWAY_INGEST_QUEUE_URL: variables.queueUrl,
  SPILLWAY_UPLOAD_QUEUE_URL: variables.queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: variables.queueUrl,
  SPILLWAY_EVENT_BUS: variables.eventBus,
  SPILLWAY_UPLOAD_SECONDS: variables.uploadSeconds,
  SPILLWAY_REPLAY_IDLE_SECONDS: variables.wholeNumber(1, MAX_REPLAY_SECONDS),
  SPILLWAY_REPLAY_BUSY_SECONDS: variables.wholeNumber(1, MAX_REPLAY_SECONDS),
};
export type SweepConfiguration = variables.Configuration<typeof sweepConfiguration>;
