// The environment variables of the dead-letter handler.
import * as z from 'zod/mini';
import { account, bucket, eventBus, queueUrl, table } from '../runtime/configuration.ts';

export const deadLetterConfiguration = z.object({
  SPILLWAY_ACCOUNT_ID: account,
  SPILLWAY_LEDGER_TABLE: table,
  SPILLWAY_INBOX_BUCKET: bucket,
  SPILLWAY_REPORT_BUCKET: bucket,
  SPILLWAY_INGEST_QUEUE_URL: queueUrl,
  SPILLWAY_UPLOAD_QUEUE_URL: queueUrl,
  SPILLWAY_SETTLE_QUEUE_URL: queueUrl,
  SPILLWAY_EVENT_BUS: eventBus,
});
export type DeadLetterConfiguration = z.infer<typeof deadLetterConfiguration>;
