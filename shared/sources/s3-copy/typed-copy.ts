// A copy that changes metadata: a HEAD of the source, then the copy with all other metadata that the HEAD found.
import { type Fault, refusalOf } from '../../aws/classify.ts';
import type { ObjectWriter, RefusalMeaning } from '../../transfer/object-writer.ts';
import type { Copier, Copy } from './copier.ts';
import type { SourceHead } from './headers.ts';
import { explainCopy, explainRead, nameOf, readersOf } from './source-check.ts';

/** HEADs of one delivery, at most: the source may change after each HEAD, or a server's ETags may never match. */
const MAX_HEADS = 4;

/** @param aboveBytes a larger source is refused as EntityTooLarge once its HEAD has said so */
export function createTypedCopy(copier: Copier, copy: Copy, aboveBytes: number): ObjectWriter {
  const { source } = copy;
  const readers = readersOf(source);
  // Kept from try to try: S3 checks with the copy that the source is still the one of the HEAD.
  let head: SourceHead | undefined;
  let changes = 0;

  function changed(): RefusalMeaning {
    head = undefined;
    changes++;
    if (changes < MAX_HEADS) return { kind: 'try-again' };
    return {
      kind: 'failed',
      code: 'SourceChanged',
      message: `${nameOf(source)} changed after the HEAD in each of ${changes} copies`,
    };
  }

  /** The version that the HEAD found was deleted: another may be the latest now. */
  const hasLostVersion = ({ code }: Fault) =>
    code === 'NoSuchVersion' && source.versionId === undefined && head?.versionId !== undefined;

  return {
    alsoAsks: () => (head === undefined ? [readers] : []),
    async write(ask, cutOff) {
      head ??= await ask(
        readers,
        async () => {
          const found = await copier.readSource(copy, cutOff);
          // CopyObject would refuse it, or take long.
          if (found.sizeBytes > aboveBytes) throw refusalOf('EntityTooLarge', '', 400);
          return found;
        },
        (fault, error) => explainRead(fault, copy, error),
      );
      return copier.copy(copy, head, cutOff);
    },
    recognise: (cutOff) => copier.recognise(copy, cutOff),
    explain: (fault) =>
      fault.kind === 'source-changed' || hasLostVersion(fault) ? changed() : explainCopy(fault, copy),
  };
}
