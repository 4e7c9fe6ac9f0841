// The environment variables of the API.
import * as z from 'zod/mini';
import { account, bucket, bucketList, queueUrl, reportDays, table } from '../runtime/configuration.ts';

export const apiConfiguration = z.object({
  SPILLWAY_ACCOUNT_ID: account,
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_INBOX_BUCKET: bucket,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_INGEST_QUEUE_URL: queueUrl,
  SPILLWAY_DESTINATION_BUCKETS: bucketList,
  SPILLWAY_REPORT_DAYS: reportDays,
});
