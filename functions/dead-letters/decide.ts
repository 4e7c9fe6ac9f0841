// What is to be done about a dead letter: judged by what it says and by what the ledger knows, and carried out once the letter
// itself is kept. Judging changes nothing, and what is carried out may be carried out twice.
import { jobIdOfManifest, type ManifestArrival } from '../../shared/job/identity.ts';
import { isEnding, isLive } from '../../shared/job/job.ts';
import { isManifestOf, takenJob, unopenedJob } from '../../shared/job/unopened-job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { type QueueDependencies, sendMessages } from '../../shared/queue/batches.ts';
import {
  type IngestMessage,
  messageBody,
  parseIngestMessage,
  parseSettleMessage,
  parseUploadMessage,
  type SettleMessage,
} from '../../shared/queue/messages.ts';
import { parseNotification } from '../../shared/queue/s3-notification.ts';
import { cutOff, failJob, failUnopenedJob, type UnopenedDependencies } from '../../shared/report/end-job.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { judgeItem } from './decide-item.ts';
import { nothingLeft, unreadable, type Verdict } from './decision.ts';
import { type FailSliceDependencies, failSlice } from './fail-slice.ts';

/** SQS's longest delay. */
const SEND_AGAIN_SECONDS = 900;
/** How often a settle message is sent again at least, however near its job's deadline is. */
const SETTLE_AGAIN_LEAST = 3;
/** Milliseconds behind its deadline, and behind the order to end, that a job is given to settle all that can be settled. */
const SETTLE_GRACE_MS = 6 * 3_600_000;

export interface BurialDependencies extends FailSliceDependencies {
  ledger: Ledger;
  end: UnopenedDependencies;
  /** The only bucket whose objects are manifests. */
  inbox: string;
  queue: QueueDependencies;
  ingestQueueUrl: string;
  uploadQueueUrl: string;
  settleQueueUrl: string;
  clock: Clock;
}

/** @param suspectsBefore suspects among the letters that came with this one: they are not to be sent at the same time */
export async function judge(
  dependencies: BurialDependencies,
  body: string,
  suspectsBefore: number,
): Promise<Verdict> {
  const upload = parseUploadMessage(body);
  if (upload.kind === 'message') return judgeItem(dependencies, upload.message, suspectsBefore);
  const settle = parseSettleMessage(body);
  if (settle.kind === 'message') return judgeSettle(dependencies, settle.message);
  const ingest = parseIngestMessage(body);
  if (ingest.kind === 'message') return judgeIngest(dependencies, ingest.message);
  const notification = parseNotification(parseJson(body), dependencies.inbox);
  if (notification.kind === 'arrivals') return judgeArrivals(dependencies, notification.arrivals);
  return unreadable({}, `it is no item (${upload.reason}) and no event (${notification.reason})`);
}

/**
 * Nothing but settle can count a slice or end a job, so its messages are sent again until well behind the job's deadline: most
 * of what keeps settle from its work is mended by then, and every row is accounted for after all. Each round raises the alarm.
 * At the deadline sweep orders the job's end, and every slice that can be settled is, with its missing rows as lost. Only then
 * is what is left given up: the job ends with a report that tells which rows it does not account for.
 */
async function judgeSettle(
  { ledger, end, queue, settleQueueUrl, clock }: BurialDependencies,
  message: SettleMessage,
): Promise<Verdict> {
  const { job: id, slice, buried = 0 } = message;
  const place = { job: id, ...(slice === undefined ? {} : { slice }) };
  const job = await ledger.getJob(id);
  if (job === undefined || !isLive(job)) return nothingLeft(place, 'its job has ended');
  const what = slice === undefined ? 'the job could not be completed' : `slice ${slice} could not be settled`;
  if (job.control === 'paused')
    return nothingLeft(place, 'its job is paused, and reports it again when it is resumed');
  const isGivenUp =
    buried >= SETTLE_AGAIN_LEAST &&
    isEnding(job) &&
    clock.now() >= Math.max(job.deadlineMs, job.haltedAtMs ?? 0) + SETTLE_GRACE_MS;
  // One whose end is sealed has been settled to its last slice: all that is left of it is to tell.
  const isOver = isGivenUp && (job.ending ?? 'abandoned') === 'abandoned';
  if (!isOver) {
    return {
      burial: {
        ...place,
        kind: 'sent-again',
        reason: `${what}; it is tried until its job's deadline is past`,
      },
      carryOut: () =>
        sendMessages(queue, settleQueueUrl, [
          {
            body: messageBody({ ...message, buried: buried + 1 }),
            delaySeconds: SEND_AGAIN_SECONDS,
            groupId: id,
          },
        ]),
    };
  }
  const reason = `${what} by its deadline`;
  return {
    burial: { ...place, kind: 'job-failed', reason },
    carryOut: async (kept) => {
      const fault = { code: 'SettleFailed', message: `${reason}; its message is kept as ${kept}` };
      await failJob(end, job, fault);
    },
  };
}

async function judgeIngest(dependencies: BurialDependencies, message: IngestMessage): Promise<Verdict> {
  const { ledger, end, queue, ingestQueueUrl } = dependencies;
  const job = await ledger.getJob(message.job);
  const place = { job: message.job, ...(message.kind === 'slice' ? { slice: message.slice } : {}) };
  if (job === undefined || !isLive(job)) return nothingLeft(place, 'its job has ended');
  switch (message.kind) {
    case 'slice': {
      if (isEnding(job)) return nothingLeft(place, 'its job is being ended, which accounts for its rows');
      if (job.control === 'paused')
        return nothingLeft(place, 'its job is paused, and sends it again when it is resumed');
      const reason = 'its slice could not be ingested';
      return {
        burial: { ...place, kind: 'slice-failed', reason },
        carryOut: (kept, writer) =>
          failSlice(dependencies, job, message.slice, `${reason}; the message is kept as ${kept}`, writer),
      };
    }
    case 'plan': {
      if (job.state !== 'planning') return nothingLeft(place, 'its manifest is cut');
      const reason = 'the manifest could not be cut into slices to its end';
      return {
        burial: { ...place, kind: 'job-failed', reason },
        carryOut: async (kept) => void (await cutOff(end, job, cutFault(reason, kept))),
      };
    }
    case 'resume':
      return {
        burial: { ...place, kind: 'sent-again', reason: 'its job could not be resumed' },
        carryOut: () =>
          sendMessages(queue, ingestQueueUrl, [
            { body: messageBody(message), delaySeconds: SEND_AGAIN_SECONDS, groupId: message.job },
          ]),
      };
  }
}

/** S3 puts one arrival into an event; were there more, the letter tells of the first whose job it ends. */
async function judgeArrivals(
  dependencies: BurialDependencies,
  arrivals: readonly ManifestArrival[],
): Promise<Verdict> {
  const verdicts: Verdict[] = [];
  for (const arrival of arrivals) verdicts.push(await judgeArrival(dependencies, arrival));
  const telling = verdicts.find(({ burial }) => burial.kind !== 'nothing-left') ?? verdicts[0];
  return {
    burial: telling?.burial ?? nothingLeft({}, 'it tells of no manifest').burial,
    carryOut: async (place, writer) => {
      for (const verdict of verdicts) await verdict.carryOut(place, writer);
    },
  };
}

async function judgeArrival(
  { ledger, end, clock }: BurialDependencies,
  arrival: ManifestArrival,
): Promise<Verdict> {
  const id = jobIdOfManifest(arrival);
  const known = await ledger.getJob(id);
  const reason = 'the manifest could not be opened and cut into slices to its end';
  if (known === undefined) {
    return {
      burial: { job: id, kind: 'job-failed', reason },
      carryOut: async (place) => {
        await failUnopenedJob(end, unopenedJob(arrival, clock.now()), cutFault(reason, place));
      },
    };
  }
  if (!isManifestOf(known, arrival)) {
    const taken = takenJob(arrival, id, clock.now());
    const { fault = cutFault(reason, '') } = taken;
    return {
      burial: { job: taken.id, kind: 'job-failed', reason: fault.message },
      carryOut: async () => void (await failUnopenedJob(end, taken, fault)),
    };
  }
  if (known.state !== 'planning')
    return nothingLeft({ job: id }, isLive(known) ? 'its manifest is cut' : 'its job has ended');
  return {
    burial: { job: id, kind: 'job-failed', reason },
    carryOut: async (place) => void (await cutOff(end, known, cutFault(reason, place))),
  };
}

function cutFault(reason: string, place: string) {
  return {
    code: 'IngestFailed',
    message: `${reason}: what lies behind its last slice is in no count; the message is kept as ${place}`,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: told as unreadable, and kept as it is.
    return undefined;
  }
}
