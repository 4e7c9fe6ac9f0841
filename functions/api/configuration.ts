// The environment variables of the API.
import * as z from 'zod/mini';
import { account, bucket, bucketList, queueUrl, table, wholeNumber } from '../runtime/configuration.ts';

/** Ten years, as infrastructure/params.js allows. */
const MAX_REPORT_DAYS = 3650;

export const apiConfiguration = z.object({
  SPILLWAY_ACCOUNT_ID: account,
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_INBOX_BUCKET: bucket,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_INGEST_QUEUE_URL: queueUrl,
  SPILLWAY_DESTINATION_BUCKETS: bucketList,
  SPILLWAY_REPORT_DAYS: wholeNumber(1, MAX_REPORT_DAYS),
});
