// The environment variables of settle.
import * as variables from '../runtime/configuration.ts';

export const settleConfiguration = {
  SPILLWAY_ACCOUNT_ID: variables.account,
  SPILLWAY_LEDGER_TABLE: variables.table,
  SPILLWAY_REPORT_BUCKET: variables.bucket,
  SPILLWAY_OUTCOMES_TABLE: variables.table,
  SPILLWAY_REPORT_DAYS: variables.reportDays,
  SPILLWAY_SETTLE_QUEUE_URL: variables.queueUrl,
  SPILLWAY_EVENT_BUS: variables.eventBus,
  SPILLWAY_UPLOAD_SECONDS: variables.uploadSeconds,
  SPILLWAY_RETRY_SECONDS: variables.retrySeconds,
};
export type SettleConfiguration = variables.Configuration<typeof settleConfiguration>;
