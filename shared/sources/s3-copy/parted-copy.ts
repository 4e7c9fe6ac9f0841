// A copy in parts, on S3's side: for objects that one CopyObject can't copy, or would copy for too long (parted-delivery.ts).
//
// What is unfinished when the time is over stays open for the next delivery. An item that ends without its object leaves no
// upload behind.
import { classifyFault } from '../../aws/classify.ts';
import type { ItemId } from '../../job/identity.ts';
import { boundedWithTail } from '../../text/bounded.ts';
import type { PartedWriter } from '../../transfer/object-writer.ts';
import type { Copy } from './copier.ts';
import { type BegunCopy, memoryOf } from './copy-memory.ts';
import { createDelivery, type PartedCopies } from './parted-delivery.ts';

export interface PartedCopy extends PartedWriter {
  /** @param mayBeBegun whether an earlier delivery may have begun an upload. @throws what the client or the memory throws */
  abandon(mayBeBegun: boolean): Promise<void>;
}

export function createPartedCopy(copies: PartedCopies, copy: Copy, id: ItemId | undefined): PartedCopy {
  const { requests } = copies;
  const memory = memoryOf(copies.memory, id);
  /** The upload that this delivery works on. */
  let open: BegunCopy | undefined;

  async function abandon(mayBeBegun: boolean): Promise<void> {
    const begun = open ?? (mayBeBegun ? await memory.find() : undefined);
    if (begun === undefined) return;
    await requests.abort(copy, begun.uploadId);
    open = undefined;
    await memory.forget(begun.uploadId);
  }

  return {
    abandon,
    async transfer(pacing, item, bounds, tally) {
      const delivery = createDelivery(copies, copy, memory, { pacing, item, bounds, tally }, (begun) => {
        open = begun;
      });
      const end = await delivery.run();
      if (end.kind === 'stored' || (end.kind === 'unfinished' && memory.isKept)) return end;
      // Where it fails, S3 keeps and bills the parts until the bucket's lifecycle rule ends the upload: the row says so.
      const fault = await abandon(true).then(() => undefined, classifyFault);
      if (fault === undefined || end.kind !== 'failed') return end;
      const tail = `; its multipart upload is still open (${fault.code}), and is left to the bucket's lifecycle rule`;
      return { ...end, message: boundedWithTail(end.message, tail) };
    },
  };
}
