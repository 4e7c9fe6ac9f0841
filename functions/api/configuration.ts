// The environment variables of the API.
import { BLOCK_ROWS } from '../../shared/job/identity.ts';
import {
  account,
  bucket,
  bucketList,
  hostList,
  keyList,
  queueUrl,
  reportDays,
  table,
  wholeNumber,
} from '../runtime/configuration.ts';

/** 1 GiB, as infrastructure/parameters.js allows. */
const MAX_SLICE_BYTES = 1_073_741_824;

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
  SPILLWAY_SLICE_BYTES: wholeNumber(1, MAX_SLICE_BYTES),
  SPILLWAY_BLOCK_ROWS: wholeNumber(1, BLOCK_ROWS),
  SPILLWAY_REPORT_DAYS: reportDays,
};
