// The environment variables of upload.
import {
  account,
  bucket,
  bucketList,
  type Configuration,
  hostList,
  queueUrl,
  reportDays,
  retrySeconds,
  table,
  wholeNumber,
  yesOrNo,
} from '../runtime/configuration.ts';

export const uploadConfiguration = {
  SPILLWAY_ACCOUNT_ID: account,
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_OUTCOMES_TABLE: table,
  SPILLWAY_REPORT_DAYS: reportDays,
  SPILLWAY_UPLOAD_QUEUE_URL: queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: queueUrl,
  SPILLWAY_SOURCE_BUCKETS: bucketList,
  SPILLWAY_SOURCE_HOSTS: hostList,
  SPILLWAY_DESTINATION_BUCKETS: bucketList,
  SPILLWAY_RETRY_SECONDS: retrySeconds,
  /** Bytes above which a copy goes in parts: from S3's least part to what CopyObject takes. */
  SPILLWAY_MULTIPART_COPY_BYTES: wholeNumber(5 * 1024 ** 2, 5 * 1024 ** 3),
  /** Whether this account pays for reads of source buckets of which the requester pays. */
  SPILLWAY_REQUESTER_PAYS: yesOrNo,
};
export type UploadConfiguration = Configuration<typeof uploadConfiguration>;
