// Decides what happens to a dead letter, from its message and from the ledger. Deciding changes nothing: the decision is carried
// out after the letter is stored.
import { jobIdOfManifest, type ManifestArrival } from '../../shared/job/identity.ts';
import { isEnded, isEnding, isLive } from '../../shared/job/job.ts';
import { isManifestOf, takenJob, unopenedJob } from '../../shared/job/unopened-job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { type Inboxes, parseArrivals } from '../../shared/queue/arrivals.ts';
import { type QueueDependencies, sendMessages } from '../../shared/queue/batches.ts';
import {
  type IngestMessage,
  messageBody,
  parseIngestMessage,
  parseSettleMessage,
  parseUploadMessage,
  type SettleMessage,
} from '../../shared/queue/messages.ts';
import {
  failJob,
  failUnopenedJob,
  stopPlanning,
  type UnopenedDependencies,
} from '../../shared/report/end-job.ts';
import { parseJson } from '../../shared/text/parse-json.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { decideItem } from './decide-item.ts';
import { type Decision, decided, nothingLeft, unreadable } from './decision.ts';
import { type FailSliceDependencies, failSlice } from './fail-slice.ts';
import type { LetterSource, QueueUrls } from './source.ts';

/** SQS's longest delay. */
const RESEND_DELAY_SECONDS = 900;
/** A settle message is sent again at least so often, also after its job's deadline. */
const MIN_SETTLE_RESENDS = 3;
/** Time to settle all that can be settled, from the later of the job's deadline and the order to end it. */
const SETTLE_GRACE_MS = 6 * 3_600_000;

export interface DecideDependencies extends FailSliceDependencies, QueueUrls, Inboxes {
  ledger: Ledger;
  end: UnopenedDependencies;
  queue: QueueDependencies;
  clock: Clock;
}

/** What of a letter decides. */
export interface ReceivedLetter {
  body: string;
  source: LetterSource;
}

/**
 * The ingest queue takes messages from more senders than the other queues do. A message is believed only as one of the queue that it
 * comes from, so that nobody has an item uploaded by way of the dead letters.
 * @param suspectsBefore suspects among the letters of this batch so far: each is sent with a longer delay than the last
 */
export async function decide(
  dependencies: DecideDependencies,
  { body, source }: ReceivedLetter,
  suspectsBefore: number,
): Promise<Decision> {
  const upload = parseUploadMessage(body);
  if (upload.kind === 'message') {
    return misplaced(source, 'upload') ?? decideItem(dependencies, upload.message, suspectsBefore);
  }
  const settle = parseSettleMessage(body);
  if (settle.kind === 'message') {
    return misplaced(source, 'settle') ?? decideSettle(dependencies, settle.message);
  }
  const ingest = parseIngestMessage(body);
  if (ingest.kind === 'message') {
    return misplaced(source, 'ingest') ?? decideIngest(dependencies, ingest.message);
  }
  const notification = parseArrivals(parseJson(body), dependencies);
  if (notification.kind === 'arrivals') {
    return misplaced(source, 'ingest') ?? decideArrivals(dependencies, notification.arrivals);
  }
  return unreadable({}, `it is no item (${upload.reason}) and no event (${notification.reason})`);
}

/** @returns undefined for a letter that comes from the queue of its kind, or from a source that is not named */
function misplaced(source: LetterSource, expected: Exclude<LetterSource, undefined>): Decision | undefined {
  if (source === undefined || source === expected) return undefined;
  const from = source === 'another' ? 'a queue of another stack' : `the ${source} queue`;
  return unreadable(
    {},
    `it is a message of the ${expected} queue and comes from ${from}: it was not sent by the pipeline`,
  );
}

/**
 * Only settle can count a slice or end a job, so its messages are sent again until well after the job's deadline. Most faults
 * that stop settle are repaired by then, and every row is accounted for. Each round raises the alarm.
 * At the deadline sweep orders the job's end, and every slice that can be settled books its missing rows as lost. After that the
 * job fails, and its report names the rows that it can't account for.
 */
async function decideSettle(
  { ledger, end, queue, settleQueueUrl, clock }: DecideDependencies,
  message: SettleMessage,
): Promise<Decision> {
  const { job: id, slice, buried = 0 } = message;
  const place = { job: id, ...(slice === undefined ? {} : { slice }) };
  const job = await ledger.getJob(id);
  if (job === undefined || isEnded(job)) return nothingLeft(place, 'its job has ended');
  const what = slice === undefined ? 'the job could not be completed' : `slice ${slice} could not be settled`;
  if (isLive(job) && job.control === 'paused')
    return nothingLeft(place, 'its job is paused, and reports it again when it is resumed');
  const isGivenUp =
    buried >= MIN_SETTLE_RESENDS &&
    isEnding(job) &&
    clock.now() >= Math.max(job.deadlineMs, job.haltedAtMs) + SETTLE_GRACE_MS;
  // A job whose end is decided has settled its last slice: only its report and event are missing.
  const isOver = isGivenUp && (job.ending ?? 'abandoned') === 'abandoned';
  if (!isOver)
    return decided('sent-again', place, `${what}; it is tried until its job's deadline is past`, () =>
      sendAgain(queue, settleQueueUrl, { ...message, buried: buried + 1 }),
    );
  const reason = `${what} by its deadline`;
  return decided('job-failed', place, reason, async (kept) => {
    const fault = { code: 'SettleFailed', message: `${reason}; its message is kept as ${kept}` };
    await failJob(end, job, fault);
  });
}

function sendAgain(
  queue: QueueDependencies,
  queueUrl: string,
  message: SettleMessage | IngestMessage,
): Promise<void> {
  const body = messageBody(message);
  return sendMessages(queue, queueUrl, [{ body, delaySeconds: RESEND_DELAY_SECONDS, groupId: message.job }]);
}

async function decideIngest(dependencies: DecideDependencies, message: IngestMessage): Promise<Decision> {
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
      return decided('slice-failed', place, reason, (kept, writer) =>
        failSlice(dependencies, job, message.slice, `${reason}; the message is kept as ${kept}`, writer),
      );
    }
    case 'plan': {
      if (job.state !== 'planning') return nothingLeft(place, 'its manifest is cut');
      const reason = 'the manifest could not be cut into slices to its end';
      return decided('job-failed', place, reason, async (kept) => {
        await stopPlanning(end, job, cutFault(reason, kept));
      });
    }
    case 'resume':
      return decided('sent-again', place, 'its job could not be resumed', () =>
        sendAgain(queue, ingestQueueUrl, message),
      );
  }
}

/** S3 puts one arrival into an event. If there were more, the letter names the first one whose job it fails. */
async function decideArrivals(
  dependencies: DecideDependencies,
  arrivals: readonly ManifestArrival[],
): Promise<Decision> {
  const decisions: Decision[] = [];
  for (const arrival of arrivals) decisions.push(await decideArrival(dependencies, arrival));
  const named = decisions.find(({ kind }) => kind !== 'nothing-left') ?? decisions[0];
  return {
    ...(named ?? nothingLeft({}, 'it names no manifest')),
    carryOut: async (place, writer) => {
      for (const decision of decisions) await decision.carryOut(place, writer);
    },
  };
}

async function decideArrival(
  { ledger, end, clock }: DecideDependencies,
  arrival: ManifestArrival,
): Promise<Decision> {
  const id = jobIdOfManifest(arrival);
  const known = await ledger.getJob(id);
  const reason = 'the manifest could not be opened and cut into slices to its end';
  if (known === undefined)
    return decided('job-failed', { job: id }, reason, async (place) => {
      await failUnopenedJob(end, unopenedJob(arrival, clock.now(), cutFault(reason, place)));
    });
  if (!isManifestOf(known, arrival)) {
    const taken = takenJob(arrival, id, clock.now());
    return decided('job-failed', { job: taken.id }, taken.fault.message, async () => {
      await failUnopenedJob(end, taken);
    });
  }
  if (known.state === 'running') return nothingLeft({ job: id }, 'its manifest is cut');
  if (isEnded(known)) return nothingLeft({ job: id }, 'its job has ended');
  return decided('job-failed', { job: id }, reason, async (place) => {
    if (known.state === 'unopened') await failJob(end, known, known.fault);
    else await stopPlanning(end, known, cutFault(reason, place));
  });
}

function cutFault(reason: string, place: string) {
  return {
    code: 'IngestFailed',
    message: `${reason}: what lies behind its last slice is in no count; the message is kept as ${place}`,
  };
}
