// The environment variables of settle.
import {
  account,
  bucket,
  type Configuration,
  eventBus,
  queueUrl,
  reportDays,
  retrySeconds,
  table,
  uploadSeconds,
} from '../runtime/configuration.ts';

export const settleConfiguration = {
  SPILLWAY_ACCOUNT_ID: account,
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_OUTCOMES_TABLE: table,
  SPILLWAY_REPORT_DAYS: reportDays,
  SPILLWAY_SETTLE_QUEUE_URL: queueUrl,
  SPILLWAY_EVENT_BUS: eventBus,
  SPILLWAY_UPLOAD_SECONDS: uploadSeconds,
  SPILLWAY_RETRY_SECONDS: retrySeconds,
};
export type SettleConfiguration = Configuration<typeof settleConfiguration>;
