// The environment variables of ingest.
import * as variables from '../runtime/configuration.ts';

export const ingestConfiguration = {
  SPILLWAY_ACCOUNT_ID: variables.account,
  SPILLWAY_LEDGER_TABLE: variables.table,
  SPILLWAY_INBOX_BUCKET: variables.bucket,
  SPILLWAY_INBOX_BUCKETS: variables.bucketList,
  SPILLWAY_REPORT_BUCKET: variables.bucket,
  SPILLWAY_OUTCOMES_TABLE: variables.table,
  SPILLWAY_REPORT_DAYS: variables.reportDays,
  SPILLWAY_DESTINATION_BUCKETS: variables.bucketList,
  SPILLWAY_SOURCE_BUCKETS: variables.bucketList,
  SPILLWAY_MANIFEST_BUCKETS: variables.bucketList,
  SPILLWAY_SOURCE_HOSTS: variables.hostList,
  SPILLWAY_KMS_KEYS: variables.keyList,
  SPILLWAY_SLICE_BYTES: variables.sliceBytes,
  SPILLWAY_BLOCK_ROWS: variables.blockRows,
  SPILLWAY_INGEST_QUEUE_URL: variables.queueUrl,
  SPILLWAY_UPLOAD_QUEUE_URL: variables.queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: variables.queueUrl,
  SPILLWAY_EVENT_BUS: variables.eventBus,
  SPILLWAY_RETRY_SECONDS: variables.retrySeconds,
};
export type IngestConfiguration = variables.Configuration<typeof ingestConfiguration>;
