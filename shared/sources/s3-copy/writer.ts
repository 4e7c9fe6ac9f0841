// The writer of rows whose object is in S3 already: by one request, or in parts where it is too large for that.
import { readsSource } from '../../attributes/object-attributes.ts';
import type { ObjectPlace } from '../../aws/source-heads.ts';
import type { ManifestItem } from '../../manifest/columns.ts';
import { splitSource } from '../../manifest/s3-source.ts';
import { boundedWithTail } from '../../text/bounded.ts';
import { createBudget } from '../../transfer/budget.ts';
import type { ObjectWriter } from '../../transfer/object-writer.ts';
import { COPY_IN_PARTS_ABOVE_BYTES } from '../../transfer/part-plan.ts';
import type { SourceDependencies, SourceWriter } from '../source.ts';
import { type Copier, type Copy, createCopier } from './copier.ts';
import { createPartRequests } from './part-requests.ts';
import { createPartedCopy, type PartedCopy } from './parted-copy.ts';
import type { PartedCopies } from './parted-delivery.ts';
import { explainCopy, isTooLargeToCopy, nameOf } from './source-check.ts';
import { createTypedCopy } from './typed-copy.ts';

/** Parts of all objects of a worker under way at once: half of its sockets, so that other items make progress, too. */
const PARTS_PER_WORKER = 64;

export function createCopyWriter(dependencies: SourceDependencies): SourceWriter {
  const { memory, inPartsAboveBytes = COPY_IN_PARTS_ABOVE_BYTES } = dependencies.copies ?? {};
  const copier = createCopier(dependencies);
  const copies: PartedCopies = {
    copier,
    requests: createPartRequests(dependencies),
    memory,
    slots: createBudget(PARTS_PER_WORKER),
    aboveBytes: inPartsAboveBytes,
  };
  return {
    begin(item, write, id) {
      const copy: Copy = { ...write, source: placeOf(item), expected: expectedOf(item) };
      const parted = createPartedCopy(copies, copy, id);
      const whole = readsSource(write.attributes ?? {})
        ? createTypedCopy(copier, copy, inPartsAboveBytes)
        : createPlainCopy(copier, copy);
      const isLarge = item.size === undefined ? undefined : item.size > inPartsAboveBytes;
      return inPartsWhereTooLarge(whole, parted, isLarge);
    },
  };
}

/**
 * The same writer, which turns to parts where the row, the source's HEAD or S3 says that the object is too large.
 * @param isLarge undefined where the row does not say its size
 */
function inPartsWhereTooLarge(
  whole: ObjectWriter,
  parted: PartedCopy,
  isLarge: boolean | undefined,
): ObjectWriter {
  return {
    ...whole,
    ...(isLarge === true ? { parted } : {}),
    abandon: (mayBeBegun) => parted.abandon(mayBeBegun && isLarge !== false),
    explain: (fault) => (isTooLargeToCopy(fault) ? { kind: 'in-parts', parted } : whole.explain?.(fault)),
  };
}

function expectedOf({ size, source_etag: etag }: ManifestItem): NonNullable<Copy['expected']> {
  return {
    ...(size === undefined ? {} : { sizeBytes: size }),
    ...(etag === undefined ? {} : { etag: `"${etag.replaceAll('"', '')}"` }),
  };
}

/** A copy with all that its source has: one request, to the destination. */
function createPlainCopy(copier: Copier, copy: Copy): ObjectWriter {
  return {
    write: (_ask, cutOff) => copier.copy(copy, undefined, cutOff),
    recognise: (cutOff) => copier.recognise(copy, cutOff),
    explain: (fault) =>
      fault.kind === 'source-changed'
        ? {
            kind: 'failed',
            code: 'SourceChanged',
            message: boundedWithTail(
              nameOf(copy.source),
              ` does not have the ETag ${copy.expected?.etag} that the row says: list it again`,
            ),
          }
        : explainCopy(fault, copy),
  };
}

/** The object that a good row names. */
export function placeOf(item: Pick<ManifestItem, 'key' | 'source' | 'source_version'>): ObjectPlace {
  const place = splitSource(item.source ?? '');
  if (place === undefined)
    throw new Error(`item ${JSON.stringify(item.key)} names no source: it has not passed parseItem`);
  return { ...place, ...(item.source_version === undefined ? {} : { versionId: item.source_version }) };
}
