// The environment variables of the API.
import * as variables from '../runtime/configuration.ts';

export const apiConfiguration = {
  SPILLWAY_ACCOUNT_ID: variables.account,
  SPILLWAY_LEDGER_TABLE: variables.table,
  SPILLWAY_INBOX_BUCKET: variables.bucket,
  SPILLWAY_REPORT_BUCKET: variables.bucket,
  SPILLWAY_INGEST_QUEUE_URL: variables.queueUrl,
  SPILLWAY_DESTINATION_BUCKETS: variables.bucketList,
  SPILLWAY_SOURCE_BUCKETS: variables.bucketList,
  SPILLWAY_SOURCE_HOSTS: variables.hostList,
  SPILLWAY_KMS_KEYS: variables.keyList,
  SPILLWAY_MANIFEST_BUCKETS: variables.bucketList,
  SPILLWAY_SLICE_BYTES: variables.sliceBytes,
  SPILLWAY_BLOCK_ROWS: variables.blockRows,
  SPILLWAY_REPORT_DAYS: variables.reportDays,
};
