// An item of the upload queue: the transfer that it asks for, and the outcome that its end is recorded as.
import { createRowAttributes } from '../../shared/attributes/row-attributes.ts';
import { rateOf } from '../../shared/job/frozen-options.ts';
import type { Job } from '../../shared/job/job.ts';
import { createLocator, type Destination, destinationOf } from '../../shared/keys/destination-key.ts';
import { isWebSource } from '../../shared/manifest/web-source.ts';
import { isBounded } from '../../shared/pacing/job-rate.ts';
import type { EndedRow } from '../../shared/report/account.ts';
import { cancelledMessage } from '../../shared/report/outcome.ts';
import type { ItemWriter } from '../../shared/sources/source.ts';
import { redactedUrl } from '../../shared/text/redacted.ts';
import type { TransferEnd, TransferItem, TransferReport } from '../../shared/transfer/engine.ts';
import { withRemedy } from './access-remedy.ts';
import { firstSeenAtMs, historyAfter } from './delivery.ts';
import type { OpenItem } from './look-up.ts';

export async function transferItemOf(
  open: OpenItem,
  writer: ItemWriter,
  nowMs: number,
  isHalted: () => boolean,
): Promise<TransferItem> {
  const { delivery, job } = open;
  const { message, receiveCount } = delivery;
  const { item, attempts, returned, replay, suspect } = message;
  const { ifExists, retryForSeconds } = job.options;
  // Pauses do not count.
  const fromMs = Math.max(agesFromMs(open, nowMs), job.resumedAtMs ?? 0);
  const write = {
    destination: destinationOf(item, job.options),
    ifExists: item.if_exists ?? ifExists,
    attributes: createRowAttributes(job.options).of(item),
    guessesType: job.options.contentTypes === 'guess',
  };
  return {
    write,
    writer: await writer.begin(item, write, message),
    giveUpAtMs: fromMs + retryForSeconds * 1000,
    retryForMs: retryForSeconds * 1000,
    givenBack: givenBackOf(delivery, job),
    tenant: job.id,
    wasTried: attempts > 0,
    // By a worker that died, or whose answer was lost. A returned message does not count the requests that were made for it.
    mayBeWritten: receiveCount > 1 || attempts > 0 || returned > 0 || replay === true || suspect === true,
    isHalted,
  };
}

function addressOf({ bucket, key }: Destination): string {
  return `s3://${bucket}/${key}`;
}

/**
 * Epoch ms from which the item's age counts. In a job with a rate of its own it may wait for days before S3 is first asked: its
 * age counts from the delivery in which that happens.
 */
export function agesFromMs({ delivery, job }: OpenItem, nowMs: number): number {
  const isFirstAsked = delivery.message.attempts === 0 && isBounded(rateOf(job.options));
  return isFirstAsked ? Math.floor(nowMs) : firstSeenAtMs(delivery);
}

/** How often it was given back. An item of a job with a rate goes back many times untried, so its tries count there. */
function givenBackOf({ message, receiveCount }: OpenItem['delivery'], { options }: OpenItem['job']): number {
  const all = receiveCount - 1 + message.returned + message.reposted;
  return isBounded(rateOf(options)) ? Math.min(all, receiveCount - 1 + message.attempts) : all;
}

export type FinalEnd = Exclude<TransferEnd, { kind: 'unfinished' }>;

export function endedRow(
  { delivery, job }: OpenItem,
  end: FinalEnd,
  { attempts, throttled, ms }: Omit<TransferReport, 'end'>,
): EndedRow {
  const { message } = delivery;
  const { item, line } = message;
  const located = createLocator(job.options)(item);
  const history = {
    line,
    ...historyAfter(delivery, { attempts, throttled }),
    ms,
    // A row of which the options make no key has failed for that.
    ...(located.kind === 'fault' ? {} : { destination: addressOf(located.destination) }),
  };
  const named = { key: item.key, ...(item.source === undefined ? {} : { source: shownSource(item.source) }) };
  switch (end.kind) {
    case 'stored': {
      const bytes = end.object.bytes ?? item.size;
      const size = bytes === undefined ? {} : { bytes };
      return { id: message, outcome: { status: 'stored', ...history, item: named, ...end.object, ...size } };
    }
    case 'skipped':
      return { id: message, outcome: { status: 'skipped', ...history, item: named } };
    case 'failed':
      return {
        id: message,
        outcome: { status: 'failed', ...history, item, code: end.code, message: withRemedy(end) },
      };
  }
}

/** A stored row is not sent again, so its report needs no query. The query may hold the URL's signature. */
function shownSource(source: string): string {
  return isWebSource(source) ? redactedUrl(source) : source;
}

/**
 * A row that had not finished when its job ended. Its object may exist all the same, where the answer to an earlier attempt was
 * lost.
 */
export function cancelledRow(
  { delivery }: OpenItem,
  job: Job | undefined,
  { attempts, throttled, ms }: Omit<TransferReport, 'end'>,
): EndedRow {
  const { message } = delivery;
  return {
    id: message,
    outcome: {
      status: 'cancelled',
      line: message.line,
      ...historyAfter(delivery, { attempts, throttled }),
      ms,
      item: message.item,
      code: 'Cancelled',
      message: cancelledMessage(job),
    },
  };
}
