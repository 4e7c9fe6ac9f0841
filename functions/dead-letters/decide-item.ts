// Decides about the dead letter of an item. Its worker may have died of it or of a neighbour in its batch, and nothing shows
// which. So it is sent again once, as a suspect, to be uploaded alone.
import type { ItemId } from '../../shared/job/identity.ts';
import { isLive } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { hasEnded } from '../../shared/ledger/tally.ts';
import { messageOfJob } from '../../shared/manifest/s3-source.ts';
import { type QueueDependencies, sendMessages } from '../../shared/queue/batches.ts';
import { suspectDelaySeconds } from '../../shared/queue/give-back.ts';
import { messageBody, type UploadMessage } from '../../shared/queue/messages.ts';
import { accountFor } from '../../shared/report/account.ts';
import type { OutcomeStore } from '../../shared/report/outcome-store.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { type Decision, decided, nothingLeft, unreadable } from './decision.ts';

export interface DecideItemDependencies {
  ledger: Pick<Ledger, 'getJob' | 'readBlocks' | 'recordEnds'>;
  outcomes: OutcomeStore;
  queue: QueueDependencies;
  uploadQueueUrl: string;
  clock: Clock;
}

/** @param suspectsBefore suspects among the letters of this batch so far: each is sent with a longer delay than the last */
export async function decideItem(
  dependencies: DecideItemDependencies,
  message: UploadMessage,
  suspectsBefore: number,
): Promise<Decision> {
  const { ledger } = dependencies;
  const id = placeOf(message);
  const [job, blocks] = await Promise.all([ledger.getJob(id.job), ledger.readBlocks([id])]);
  const block = blocks.get(blockName(id));
  if (job === undefined || !isLive(job)) return nothingLeft(id, 'its job has ended');
  if (block === undefined || id.number >= block.size)
    return unreadable(id, 'it names no row that the ledger knows');
  if (hasEnded(block, id.number)) {
    // A crash may have left its block open after the row had ended.
    const close = async () => void (await ledger.recordEnds(id, {}));
    return decided('nothing-left', id, 'its row has ended', close);
  }
  return message.suspect === true
    ? failRow(dependencies, messageOfJob(job, message))
    : sendAlone(dependencies, message, suspectsBefore);
}

function sendAlone(
  { queue, uploadQueueUrl, clock }: DecideItemDependencies,
  message: UploadMessage,
  suspectsBefore: number,
): Decision {
  const reason = 'received as often as its queue allows without an end: a worker may have died of it';
  return decided('suspect', placeOf(message), reason, async () => {
    const suspect: UploadMessage = {
      ...message,
      suspect: true,
      reposted: message.reposted + 1,
      // Its age starts at zero: the workers that died with it did not spend that time on retries.
      firstSentAtMs: clock.now(),
    };
    const delaySeconds = suspectDelaySeconds(suspectsBefore);
    await sendMessages(queue, uploadQueueUrl, [
      { body: messageBody(suspect), delaySeconds, groupId: message.job },
    ]);
  });
}

function failRow({ outcomes, ledger }: DecideItemDependencies, message: UploadMessage): Decision {
  const id = placeOf(message);
  const { item, line, attempts, throttled, returned, reposted } = message;
  const reason =
    'received as often as its queue allows without an end, the last times alone: its worker may die of it';
  return decided('row-failed', id, reason, async (place, writer) => {
    const outcome = {
      status: 'failed',
      ...{ line, item, attempts, throttled, returned, reposted },
      code: 'DeadLettered',
      message: `${reason}; its message is kept as ${place}`,
    } as const;
    const { errors } = await accountFor({ outcomes, ledger }, [{ id, outcome }], writer);
    if (errors[0] !== undefined) throw errors[0];
  });
}

function placeOf({ job, slice, block, number }: UploadMessage): ItemId {
  return { job, slice, block, number };
}
