// What is remembered of a copy in parts from delivery to delivery: S3 lists the parts of an upload, but not what they were
// copied from. A delivery adds parts to an upload only where its source is the one that is remembered.
import type { ItemId } from '../../job/identity.ts';
import type { SourceHead } from './headers.ts';

export interface BegunCopy extends Pick<SourceHead, 'etag' | 'versionId' | 'sizeBytes' | 'lastModifiedMs'> {
  uploadId: string;
  /** Size of each part but the last. */
  partBytes: number;
}

/** Each throws what its store throws. */
export interface CopyMemory {
  find(item: ItemId): Promise<BegunCopy | undefined>;
  /** @returns what is remembered from now on: of two deliveries at once, the copy of the first */
  remember(item: ItemId, copy: BegunCopy): Promise<BegunCopy>;
  /** Forgets the item's copy if it is this upload. */
  forget(item: ItemId, uploadId: string): Promise<void>;
}

/** Whether parts of this source may be added to the upload. The time tells new metadata, which leaves the ETag as it is. */
export function isOfSource(copy: BegunCopy, head: SourceHead): boolean {
  return (
    copy.etag === head.etag &&
    copy.versionId === head.versionId &&
    copy.sizeBytes === head.sizeBytes &&
    copy.lastModifiedMs === head.lastModifiedMs
  );
}

/** The memory of one item. */
export interface ItemMemory {
  /** Whether a later delivery finds what this one remembers. */
  isKept: boolean;
  find(): Promise<BegunCopy | undefined>;
  remember(copy: BegunCopy): Promise<BegunCopy>;
  forget(uploadId: string): Promise<void>;
}

export function memoryOf(memory: CopyMemory | undefined, id: ItemId | undefined): ItemMemory {
  if (memory === undefined || id === undefined) {
    return {
      isKept: false,
      find: async () => undefined,
      remember: async (copy) => copy,
      forget: async () => undefined,
    };
  }
  return {
    isKept: true,
    find: () => memory.find(id),
    remember: (copy) => memory.remember(id, copy),
    forget: (uploadId) => memory.forget(id, uploadId),
  };
}
