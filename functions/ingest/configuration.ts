// The environment variables of ingest.
import {
  account,
  blockRows,
  bucket,
  bucketList,
  type Configuration,
  eventBus,
  hostList,
  keyList,
  queueUrl,
  reportDays,
  retrySeconds,
  sliceBytes,
  table,
} from '../runtime/configuration.ts';

export const ingestConfiguration = {
  SPILLWAY_ACCOUNT_ID: account,
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_INBOX_BUCKET: bucket,
  SPILLWAY_INBOX_BUCKETS: bucketList,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_OUTCOMES_TABLE: table,
  SPILLWAY_REPORT_DAYS: reportDays,
  SPILLWAY_DESTINATION_BUCKETS: bucketList,
  SPILLWAY_SOURCE_BUCKETS: bucketList,
  SPILLWAY_MANIFEST_BUCKETS: bucketList,
  SPILLWAY_SOURCE_HOSTS: hostList,
  SPILLWAY_KMS_KEYS: keyList,
  SPILLWAY_SLICE_BYTES: sliceBytes,
  SPILLWAY_BLOCK_ROWS: blockRows,
  SPILLWAY_INGEST_QUEUE_URL: queueUrl,
  SPILLWAY_UPLOAD_QUEUE_URL: queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: queueUrl,
  SPILLWAY_EVENT_BUS: eventBus,
  SPILLWAY_RETRY_SECONDS: retrySeconds,
};
export type IngestConfiguration = Configuration<typeof ingestConfiguration>;
