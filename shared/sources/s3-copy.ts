// The object is in S3 already: a server-side copy, which sends no bytes through this process.
import { readsSource } from '../attributes/object-attributes.ts';
import type { ObjectPlace } from '../aws/source-heads.ts';
import { type ManifestItem, splitSource } from '../manifest/columns.ts';
import type { ObjectWriter } from '../transfer/object-writer.ts';
import { type Copier, type Copy, createCopier } from './s3-copy/copier.ts';
import { explainMissing } from './s3-copy/encoded-key.ts';
import { createTypedCopy } from './s3-copy/typed-copy.ts';
import type { Source } from './source.ts';

export const s3Copy: Source = {
  check(item, { buckets }) {
    const { bucket } = placeOf(item);
    if (buckets.includes(bucket)) return undefined;
    return {
      code: 'SourceNotAllowed',
      message: `source bucket "${bucket}" is not allowed: add it to the deployment's parameter sourceBuckets`,
    };
  },
  createWriter(dependencies) {
    const copier = createCopier(dependencies);
    return {
      begin(item, write) {
        const copy = { ...write, source: placeOf(item) };
        return readsSource(write.attributes ?? {})
          ? createTypedCopy(copier, copy)
          : createPlainCopy(copier, copy);
      },
    };
  },
};

/** The object that a good row names. */
export function placeOf(item: Pick<ManifestItem, 'key' | 'source' | 'source_version'>): ObjectPlace {
  const place = splitSource(item.source ?? '');
  if (place === undefined)
    throw new Error(`item ${JSON.stringify(item.key)} names no source: it has not passed parseItem`);
  return { ...place, ...(item.source_version === undefined ? {} : { versionId: item.source_version }) };
}

/** A copy with all that its source has: one request, to the destination. */
function createPlainCopy(copier: Copier, copy: Copy): ObjectWriter {
  return {
    write: (_ask, cutOff) => copier.copy(copy, undefined, cutOff),
    recognise: (cutOff) => copier.recognise(copy, cutOff),
    explain: (fault) => explainMissing(fault, copy.source),
  };
}
