// The look at the destination before a conditional copy in parts: parts are not copied for an object that can't be completed.
import { settleExisting, type TransferEnd, type TransferItem } from '../../transfer/engine.ts';
import type { TakeStep } from '../../transfer/multipart-steps.ts';
import type { Copy } from './copier.ts';
import type { BegunCopy } from './copy-memory.ts';
import type { SourceHead } from './headers.ts';
import type { PartRequests } from './part-requests.ts';

/**
 * The completion is conditional all the same.
 * @param begun as a copy of this source would have begun: an earlier delivery, of which nothing is remembered, may have made it
 * @returns the item's end; undefined where nothing is there, or the deployment may not look
 */
export async function findExisting(
  requests: PartRequests,
  copy: Copy,
  head: SourceHead,
  begun: BegunCopy,
  { mayBeWritten }: Pick<TransferItem, 'mayBeWritten'>,
  takeStep: TakeStep,
): Promise<TransferEnd | undefined> {
  if (copy.ifExists === 'overwrite') return undefined;
  const found = await takeStep(
    () => requests.exists(copy),
    async () => ({ kind: 'value', value: false }),
  );
  if (found.kind === 'over') return found.end;
  if (!found.value) return undefined;
  return settleExisting(copy, mayBeWritten, () => requests.recognise(copy, begun, head));
}
