// The environment variables of sweep.
import {
  type Configuration,
  eventBus,
  queueUrl,
  table,
  uploadSeconds,
  wholeNumber,
} from '../runtime/configuration.ts';

/** Ten days, for which the queues keep a message. */
const MAX_REPLAY_SECONDS = 864_000;

export const sweepConfiguration = {
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_INGEST_QUEUE_URL: queueUrl,
  SPILLWAY_UPLOAD_QUEUE_URL: queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: queueUrl,
  SPILLWAY_EVENT_BUS: eventBus,
  SPILLWAY_UPLOAD_SECONDS: uploadSeconds,
  SPILLWAY_REPLAY_IDLE_SECONDS: wholeNumber(1, MAX_REPLAY_SECONDS),
  SPILLWAY_REPLAY_BUSY_SECONDS: wholeNumber(1, MAX_REPLAY_SECONDS),
};
export type SweepConfiguration = Configuration<typeof sweepConfiguration>;
