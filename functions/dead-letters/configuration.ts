// The environment variables of the dead-letter handler.
import {
  account,
  bucket,
  bucketList,
  type Configuration,
  eventBus,
  queueUrl,
  reportDays,
  table,
} from '../runtime/configuration.ts';

export const deadLetterConfiguration = {
  SPILLWAY_ACCOUNT_ID: account,
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_INBOX_BUCKET: bucket,
  SPILLWAY_INBOX_BUCKETS: bucketList,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_OUTCOMES_TABLE: table,
  SPILLWAY_REPORT_DAYS: reportDays,
  SPILLWAY_INGEST_QUEUE_URL: queueUrl,
  SPILLWAY_UPLOAD_QUEUE_URL: queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: queueUrl,
  SPILLWAY_EVENT_BUS: eventBus,
};
export type DeadLetterConfiguration = Configuration<typeof deadLetterConfiguration>;
