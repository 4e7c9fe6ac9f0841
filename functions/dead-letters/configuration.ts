// The environment variables of the dead-letter handler.
import * as variables from '../runtime/configuration.ts';

export const deadLetterConfiguration = {
  SPILLWAY_ACCOUNT_ID: variables.account,
  SPILLWAY_LEDGER_TABLE: variables.table,
  SPILLWAY_INBOX_BUCKET: variables.bucket,
  SPILLWAY_INBOX_BUCKETS: variables.bucketList,
  SPILLWAY_REPORT_BUCKET: variables.bucket,
  SPILLWAY_OUTCOMES_TABLE: variables.table,
  SPILLWAY_REPORT_DAYS: variables.reportDays,
  SPILLWAY_INGEST_QUEUE_URL: variables.queueUrl,
  SPILLWAY_UPLOAD_QUEUE_URL: variables.queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: variables.queueUrl,
  SPILLWAY_EVENT_BUS: variables.eventBus,
};
export type DeadLetterConfiguration = variables.Configuration<typeof deadLetterConfiguration>;
