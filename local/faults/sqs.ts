// SQS's faults: of whole calls, of the entries and receipts in them, and of the messages in a queue.
import type { Random } from '../../shared/time/random.ts';
import type { SqsFault } from './fault.ts';
import { createFaultPoints, type FaultPoints } from './fault-points.ts';

export interface SqsFaults extends Pick<FaultPoints<SqsFault>, 'arm' | 'counts'> {
  /** Of the call as a whole. */
  forCall(action: string, queue: string): Extract<SqsFault, { kind: 'sqs-error' | 'sqs-drop' }> | undefined;
  /** Why one entry of a batch, or the one message of a single call, is refused. */
  forEntry(action: string, queue: string): EntryRefusal | undefined;
  /** What becomes of a message that was sent. */
  forSent(queue: string): { kind: 'lost' } | { kind: 'late'; delayMs: number } | undefined;
  isReceivedTwice(queue: string): boolean;
}

export interface EntryRefusal {
  code: string;
  message: string;
  senderFault: boolean;
}

/** Answered by SQS where the receipt is not the message's latest, or too old. */
const EXPIRED: EntryRefusal = {
  code: 'ReceiptHandleIsInvalid',
  message: 'The input receipt handle is invalid.',
  senderFault: true,
};

const RECEIPT_ACTIONS: readonly string[] = [
  'DeleteMessage',
  'DeleteMessageBatch',
  'ChangeMessageVisibility',
  'ChangeMessageVisibilityBatch',
];

export function createSqsFaults(random: Random): SqsFaults {
  const points = createFaultPoints<SqsFault>(random);
  const isOf = (fault: SqsFault, queue: string) => fault.queue === undefined || fault.queue === queue;

  return {
    arm: points.arm,
    forCall: (action, queue) =>
      points.strike(
        (fault) => isOf(fault, queue) && (fault.actions?.includes(action) ?? true),
        'sqs-error',
        'sqs-drop',
      ),

    forEntry(action, queue) {
      const fault = points.strike(
        (candidate) =>
          isOf(candidate, queue) &&
          (candidate.kind === 'sqs-receipt-expired'
            ? RECEIPT_ACTIONS.includes(action)
            : candidate.action === action),
        'sqs-receipt-expired',
        'sqs-entries-failed',
      );
      if (fault?.kind !== 'sqs-entries-failed') return fault && EXPIRED;
      return {
        code: fault.code ?? 'InternalError',
        message: 'The request could not be carried out.',
        senderFault: fault.senderFault ?? false,
      };
    },

    forSent(queue) {
      const fault = points.strike(
        (candidate) => isOf(candidate, queue),
        'sqs-message-lost',
        'sqs-message-late',
      );
      if (fault?.kind === 'sqs-message-late') return { kind: 'late', delayMs: random() * fault.mostMs };
      return fault && { kind: 'lost' };
    },

    isReceivedTwice: (queue) =>
      points.strike((fault) => isOf(fault, queue), 'sqs-message-twice') !== undefined,

    counts: points.counts,
  };
}
