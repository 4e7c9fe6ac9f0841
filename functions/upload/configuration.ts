// The environment variables of upload.
import * as variables from '../runtime/configuration.ts';

export const uploadConfiguration = {
  SPILLWAY_ACCOUNT_ID: variables.account,
  SPILLWAY_LEDGER_TABLE: variables.table,
  SPILLWAY_REPORT_BUCKET: variables.bucket,
  SPILLWAY_OUTCOMES_TABLE: variables.table,
  SPILLWAY_REPORT_DAYS: variables.reportDays,
  SPILLWAY_UPLOAD_QUEUE_URL: variables.queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: variables.queueUrl,
  SPILLWAY_SOURCE_BUCKETS: variables.bucketList,
  SPILLWAY_SOURCE_HOSTS: variables.hostList,
  SPILLWAY_DESTINATION_BUCKETS: variables.bucketList,
  SPILLWAY_RETRY_SECONDS: variables.retrySeconds,
  /** Bytes above which a copy goes in parts: from S3's least part to what CopyObject takes. */
  SPILLWAY_MULTIPART_COPY_BYTES: variables.wholeNumber(5 * 1024 ** 2, 5 * 1024 ** 3),
  /** Whether this account pays for reads of source buckets of which the requester pays. */
  SPILLWAY_REQUESTER_PAYS: variables.yesOrNo,
};
export type UploadConfiguration = variables.Configuration<typeof uploadConfiguration>;
