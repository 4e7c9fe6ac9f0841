// Which messages of a batch are done, read from the function's answer as Lambda reads it.
//
// With ReportBatchItemFailures (Lambda developer guide, "Handling errors for an SQS event source"):
// - the whole batch fails on a thrown error or a timeout, an answer that is no JSON object, `batchItemFailures` under
//   another name or no list, an entry without itemIdentifier, an empty or null one, or one that is not in the batch;
// - the whole batch is done on a null or empty answer, and on an empty or null list;
// - otherwise exactly the listed messages stay in the queue, with their visibility as it stands.
// Without it, any answer means that the whole batch is done.
import { parseJson } from '../../shared/text/parse-json.ts';
import type { InvokeResult } from './host.ts';

export interface BatchVerdict {
  /** Message ids to delete. */
  done: string[];
  /** Message ids that stay in the queue. */
  kept: string[];
  /** Why the whole batch failed, where it did. */
  reason?: string;
}

export function readBatchAnswer(
  messageIds: string[],
  result: InvokeResult,
  { reportBatchItemFailures }: { reportBatchItemFailures: boolean },
): BatchVerdict {
  const allDone: BatchVerdict = { done: messageIds, kept: [] };
  const allKept = (reason: string): BatchVerdict => ({ done: [], kept: messageIds, reason });

  if (result.kind === 'failed') return allKept(result.error.errorMessage);
  if (!reportBatchItemFailures) return allDone;

  const answer = result.payload.trim() === '' ? null : parseJson(result.payload);
  if (answer === undefined) return allKept('the answer is no JSON');
  if (answer === null || answer === '') return allDone;
  if (typeof answer !== 'object' || Array.isArray(answer)) return allKept('the answer is no object');
  if (Object.keys(answer).length === 0) return allDone;
  if (!('batchItemFailures' in answer)) return allKept('the answer has no batchItemFailures');

  const { batchItemFailures: failures } = answer;
  if (failures === null) return allDone;
  if (!Array.isArray(failures)) return allKept('batchItemFailures is no list');

  const known = new Set(messageIds);
  const failed = new Set<string>();
  for (const failure of failures) {
    const id: unknown = failure?.itemIdentifier;
    if (typeof id !== 'string' || id === '') return allKept('an itemIdentifier is missing or empty');
    if (!known.has(id)) return allKept(`no message of the batch has the itemIdentifier ${id}`);
    failed.add(id);
  }
  return {
    done: messageIds.filter((id) => !failed.has(id)),
    kept: messageIds.filter((id) => failed.has(id)),
  };
}
