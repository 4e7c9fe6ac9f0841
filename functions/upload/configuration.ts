// The environment variables of upload.
import * as z from 'zod/mini';
import { bucket, bucketList, hostList, queueUrl, retrySeconds, table } from '../runtime/configuration.ts';

export const uploadConfiguration = z.object({
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_UPLOAD_QUEUE_URL: queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: queueUrl,
  SPILLWAY_SOURCE_BUCKETS: bucketList,
  SPILLWAY_SOURCE_HOSTS: hostList,
  SPILLWAY_DESTINATION_BUCKETS: bucketList,
  SPILLWAY_RETRY_SECONDS: retrySeconds,
});
export type UploadConfiguration = z.infer<typeof uploadConfiguration>;
