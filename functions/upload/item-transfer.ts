// An item of the upload queue: the transfer that it asks for, and the outcome that its end is recorded as.
import { createRowAttributes } from '../../shared/attributes/row-attributes.ts';
import type { Job } from '../../shared/job/job.ts';
import { destinationOf } from '../../shared/keys/destination-key.ts';
import type { EndedRow } from '../../shared/report/account.ts';
import { cancelledMessage } from '../../shared/report/outcome.ts';
import type { ItemWriter } from '../../shared/sources/source.ts';
import type { TransferEnd, TransferItem, TransferReport } from '../../shared/transfer/engine.ts';
import { firstSeenAtMs, historyAfter } from './delivery.ts';
import type { OpenItem } from './look-up.ts';

export function transferItemOf(
  { delivery, job }: OpenItem,
  writer: ItemWriter,
  isHalted: () => boolean,
): TransferItem {
  const { message, receiveCount } = delivery;
  const { item, attempts, returned, replay, suspect } = message;
  const { ifExists, retryForSeconds } = job.options;
  // Pauses do not count.
  const agesFromMs = Math.max(firstSeenAtMs(delivery), job.resumedAtMs ?? 0);
  const write = {
    destination: destinationOf(item, job.options),
    ifExists: item.if_exists ?? ifExists,
    attributes: createRowAttributes(job.options).of(item),
    guessesType: job.options.contentTypes === 'guess',
  };
  return {
    write,
    writer: writer.begin(item, write, message),
    giveUpAtMs: agesFromMs + retryForSeconds * 1000,
    retryForMs: retryForSeconds * 1000,
    givenBack: receiveCount - 1 + message.returned + message.reposted,
    wasTried: attempts > 0,
    // By a worker that died, or whose answer was lost. A returned message may have had requests that it does not count.
    mayBeWritten: receiveCount > 1 || attempts > 0 || returned > 0 || replay === true || suspect === true,
    isHalted,
  };
}

export type FinalEnd = Exclude<TransferEnd, { kind: 'unfinished' }>;

export function endedRow(
  { delivery, job }: OpenItem,
  end: FinalEnd,
  { attempts, throttled, ms }: Omit<TransferReport, 'end'>,
): EndedRow {
  const { message } = delivery;
  const { item, line } = message;
  const { bucket, key } = destinationOf(item, job.options);
  const history = {
    line,
    ...historyAfter(delivery, { attempts, throttled }),
    ms,
    destination: `s3://${bucket}/${key}`,
  };
  const named = { key: item.key, ...(item.source === undefined ? {} : { source: item.source }) };
  switch (end.kind) {
    case 'stored': {
      const bytes = end.object.bytes ?? item.size;
      return {
        id: message,
        outcome: {
          status: 'stored',
          ...history,
          item: named,
          ...end.object,
          ...(bytes === undefined ? {} : { bytes }),
        },
      };
    }
    case 'skipped':
      return { id: message, outcome: { status: 'skipped', ...history, item: named } };
    case 'failed':
      return {
        id: message,
        outcome: { status: 'failed', ...history, item, code: end.code, message: end.message },
      };
  }
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
