// BURY: closes the account of dead letters, of every queue.
//
//   an item           its row is failed: outcome, ledger, acknowledgement
//   a slice           its rows that were never sent are failed, so that its blocks close
//   a plan, an event  its job is failed
//   a settle message  goes back a few times with a long delay: nothing else can close a job; then its job is failed
//   anything else     can't be accounted for; it is kept, logged and counted
//
// The raw message is kept in the report bucket under deadletters/ first. The alarm is on the metric ItemsBuried, since this
// function empties the dead-letter queues.
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readEnvironment } from '../shared/aws/environment.ts';
import { parseNotification } from '../shared/job/arrival.ts';
import { systemClock } from '../shared/job/clock.ts';
import { type EndDependencies, failJob } from '../shared/job/end.ts';
import { type FailSliceDependencies, failSlice } from '../shared/job/fail-slice.ts';
import { type JobId, jobIdOfManifest } from '../shared/job/identity.ts';
import { isLive } from '../shared/job/job.ts';
import { unopenedJob } from '../shared/job/start.ts';
import { blockName, type Ledger } from '../shared/ledger/ledger.ts';
import { hasEnded } from '../shared/ledger/tally.ts';
import { type QueueDependencies, sendMessages } from '../shared/queue/batches.ts';
import {
  parseIngestMessage,
  parseSettleMessage,
  parseUploadMessage,
  type SettleMessage,
  type UploadMessage,
} from '../shared/queue/messages.ts';
import { accountFor } from '../shared/report/account.ts';
import type { OutcomeFiles } from '../shared/report/outcome-files.ts';
import { instrument } from '../shared/telemetry/instrument.ts';
import { createTelemetry, type Telemetry } from '../shared/telemetry/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../shared/wiring/wiring.ts';

/** How often a settle message comes back from here, and after how long: SQS's longest delay. */
const SETTLE_REPOSTS = 3;
const SETTLE_REPOST_SECONDS = 900;

export interface BuryDependencies {
  s3: S3Client;
  reportBucket: string;
  ledger: Ledger;
  outcomes: OutcomeFiles;
  slices: FailSliceDependencies;
  end: EndDependencies;
  queue: QueueDependencies;
  settleQueueUrl: string;
  telemetry: Telemetry;
}

/** What became of a dead letter. `nothing left`: its row or job had ended already. */
type Burial = {
  kind: 'item' | 'slice' | 'job' | 'settle' | 'nothing left' | 'unreadable';
  job?: JobId;
  reason?: string;
};

export function createBury(dependencies: BuryDependencies) {
  const { s3, reportBucket, ledger, outcomes, end, queue, telemetry } = dependencies;

  /** @returns where the raw message lies: s3://bucket/key */
  async function keepRaw(record: SQSRecord): Promise<string> {
    const queueName = record.eventSourceARN.split(':').at(-1);
    const key = `deadletters/${queueName}/${record.messageId}.json`;
    const { body, attributes, messageAttributes, eventSourceARN } = record;
    await s3.send(
      new PutObjectCommand({
        Bucket: reportBucket,
        Key: key,
        Body: Buffer.from(
          `${JSON.stringify({ eventSourceARN, attributes, messageAttributes, body }, null, 2)}\n`,
        ),
        ContentType: 'application/json',
      }),
    );
    return `s3://${reportBucket}/${key}`;
  }

  async function buryItem(message: UploadMessage, raw: string, writer: string): Promise<Burial> {
    const [job, blocks] = await Promise.all([ledger.getJob(message.job), ledger.readBlocks([message])]);
    const block = blocks.get(blockName(message));
    if (job === undefined || !isLive(job)) return { kind: 'nothing left', job: message.job };
    if (block === undefined || message.number >= block.size) {
      return { kind: 'unreadable', job: message.job, reason: 'it names no row that the ledger knows' };
    }
    if (hasEnded(block, message.number)) {
      await ledger.recordEnds(message, {});
      return { kind: 'nothing left', job: message.job };
    }
    const { item, line, attempts, throttled, returned, reposted } = message;
    const { errors } = await accountFor(
      { outcomes, ledger },
      [
        {
          id: message,
          outcome: {
            status: 'failed',
            line,
            item,
            attempts,
            throttled,
            returned,
            reposted,
            code: 'DeadLettered',
            message: `received as often as its queue allows without an end: a worker may have died of it; kept as ${raw}`,
          },
        },
      ],
      writer,
    );
    if (errors[0] !== undefined) throw errors[0];
    return { kind: 'item', job: message.job };
  }

  async function burySettle(message: SettleMessage, raw: string): Promise<Burial> {
    const job = await ledger.getJob(message.job);
    if (job === undefined || !isLive(job)) return { kind: 'nothing left', job: message.job };
    const buried = message.buried ?? 0;
    if (buried < SETTLE_REPOSTS) {
      const again: SettleMessage = { ...message, buried: buried + 1 };
      await sendMessages(queue, dependencies.settleQueueUrl, [
        { body: JSON.stringify(again), delaySeconds: SETTLE_REPOST_SECONDS, groupId: message.job },
      ]);
      return { kind: 'settle', job: message.job };
    }
    await failJob(end, job, {
      code: 'SettleFailed',
      message: `its slice ${message.slice ?? ''} could not be settled; the message is kept as ${raw}`,
    });
    return { kind: 'job', job: message.job };
  }

  async function bury(record: SQSRecord, raw: string, writer: string): Promise<Burial> {
    const upload = parseUploadMessage(record.body);
    if (upload.kind === 'message') return buryItem(upload.message, raw, writer);

    const settle = parseSettleMessage(record.body);
    if (settle.kind === 'message') return burySettle(settle.message, raw);

    const ingest = parseIngestMessage(record.body);
    if (ingest.kind === 'message') {
      const job = await ledger.getJob(ingest.message.job);
      if (job === undefined || !isLive(job)) return { kind: 'nothing left', job: ingest.message.job };
      if (ingest.message.kind === 'slice') {
        await failSlice(
          dependencies.slices,
          job,
          ingest.message.slice,
          `its slice could not be ingested; the message is kept as ${raw}`,
          writer,
        );
        return { kind: 'slice', job: job.id };
      }
      await failJob(end, job, {
        code: 'IngestFailed',
        message: `the manifest could not be cut into slices; the message is kept as ${raw}`,
      });
      return { kind: 'job', job: job.id };
    }

    const notification = parseNotification(parseJson(record.body));
    if (notification.kind === 'not-a-notification')
      return { kind: 'unreadable', reason: `no item (${upload.reason}), no event (${notification.reason})` };
    for (const arrival of notification.arrivals) {
      const job = (await ledger.getJob(jobIdOfManifest(arrival))) ?? unopenedJob(arrival, systemClock.now());
      if (job.state !== 'planning') continue;
      await failJob(end, job, {
        code: 'IngestFailed',
        message: `the manifest could not be opened and cut; its event is kept as ${raw}`,
      });
    }
    return { kind: 'job' };
  }

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const failures: string[] = [];
    const burials: (Burial & { messageId: string; raw: string })[] = [];
    for (const record of event.Records) {
      const { messageId } = record;
      try {
        const raw = await keepRaw(record);
        burials.push({
          ...(await bury(record, raw, `${context.awsRequestId}-${messageId}`)),
          messageId,
          raw,
        });
      } catch (error) {
        telemetry.logger.error('dead letter not buried', { messageId, error: error as Error });
        failures.push(messageId);
      }
    }
    telemetry.count({ ItemsBuried: burials.filter(({ kind }) => kind !== 'nothing left').length });
    telemetry.logger.error('dead letters buried', { burials });
    return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: told as unreadable, and kept raw.
    return undefined;
  }
}

function dependenciesFromEnvironment(telemetry: Telemetry): BuryDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_SETTLE_QUEUE_URL',
    'SPILLWAY_EVENT_BUS',
  ]);
  const queue = wireQueue();
  const { ledger } = wireLedger(env, queue);
  const reports = wireReports(env);
  const { s3, outcomes } = reports;
  return {
    s3,
    reportBucket: reports.bucket,
    ledger,
    outcomes,
    slices: { s3, ledger, outcomes },
    end: wireEnd(env, reports, ledger),
    queue,
    settleQueueUrl: env.SPILLWAY_SETTLE_QUEUE_URL,
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createBury(dependenciesFromEnvironment(telemetry)));
