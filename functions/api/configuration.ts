// The environment variables of the API.
import * as z from 'zod/mini';
import { BLOCK_ROWS } from '../../shared/job/identity.ts';
import { bucket, bucketList, hostList, queueUrl, table, wholeNumber } from '../runtime/configuration.ts';

/** Ten years, as infrastructure/params.js allows. */
const MAX_REPORT_DAYS = 3650;
/** 1 GiB, as there. */
const MAX_SLICE_BYTES = 1_073_741_824;

export const apiConfiguration = z.object({
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_INBOX_BUCKET: bucket,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_INGEST_QUEUE_URL: queueUrl,
  SPILLWAY_DESTINATION_BUCKETS: bucketList,
  SPILLWAY_SOURCE_BUCKETS: bucketList,
  SPILLWAY_SOURCE_HOSTS: hostList,
  SPILLWAY_MANIFEST_BUCKETS: bucketList,
  SPILLWAY_SLICE_BYTES: wholeNumber(1, MAX_SLICE_BYTES),
  SPILLWAY_BLOCK_ROWS: wholeNumber(1, BLOCK_ROWS),
  SPILLWAY_REPORT_DAYS: wholeNumber(1, MAX_REPORT_DAYS),
});
