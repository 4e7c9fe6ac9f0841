// The environment variables of the API.
import {
  account,
  blockRows,
  bucket,
  bucketList,
  hostList,
  keyList,
  queueUrl,
  reportDays,
  sliceBytes,
  table,
} from '../runtime/configuration.ts';

export const apiConfiguration = {
  SPILLWAY_ACCOUNT_ID: account,
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_INBOX_BUCKET: bucket,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_INGEST_QUEUE_URL: queueUrl,
  SPILLWAY_DESTINATION_BUCKETS: bucketList,
  SPILLWAY_SOURCE_BUCKETS: bucketList,
  SPILLWAY_SOURCE_HOSTS: hostList,
  SPILLWAY_KMS_KEYS: keyList,
  SPILLWAY_MANIFEST_BUCKETS: bucketList,
  SPILLWAY_SLICE_BYTES: sliceBytes,
  SPILLWAY_BLOCK_ROWS: blockRows,
  SPILLWAY_REPORT_DAYS: reportDays,
};
