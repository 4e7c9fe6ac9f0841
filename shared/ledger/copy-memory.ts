// Copies in parts that deliveries of an item have begun, as rows of the ledger's table. A row expires with its job's report;
// it stays after its object is stored, so that a late delivery recognises the object.
//
//   C#<job>#<slice>#<block>#<number>   the upload, and what its parts are copied from
import type { ItemId } from '../job/identity.ts';
import type { BegunCopy, CopyMemory } from '../sources/s3-copy/copy-memory.ts';
import type { Attributes } from './rows.ts';
import { createTable, type TableDependencies } from './table.ts';

const keyOf = ({ job, slice, block, number }: ItemId): Attributes => ({
  pk: { S: `C#${job}#${slice}#${block}#${number}` },
});

/** @throws Error where the text is not what `remember` writes */
function readCopy(text: string): BegunCopy {
  const copy = JSON.parse(text) as BegunCopy;
  const { uploadId, etag, versionId, sizeBytes, lastModifiedMs, partBytes } = copy;
  const isReadable =
    typeof uploadId === 'string' &&
    typeof etag === 'string' &&
    (versionId === undefined || typeof versionId === 'string') &&
    sizeBytes >= 0 &&
    lastModifiedMs >= 0 &&
    partBytes > 0;
  if (!isReadable) throw new Error('the remembered state of a copy in parts is not as it was written');
  return copy;
}

export function createCopyMemory(dependencies: TableDependencies): CopyMemory {
  const table = createTable(dependencies);

  async function find(item: ItemId): Promise<BegunCopy | undefined> {
    const row = await table.get(keyOf(item));
    return row?.['copy']?.S === undefined ? undefined : readCopy(row['copy'].S);
  }

  return {
    find,
    async remember(item, copy) {
      const row = await table.update(keyOf(item), {
        UpdateExpression: 'SET #copy = :copy, uploadId = :uploadId, expiresAt = :expiresAt',
        ConditionExpression: 'attribute_not_exists(uploadId)',
        ExpressionAttributeNames: { '#copy': 'copy' },
        ExpressionAttributeValues: {
          ':copy': { S: JSON.stringify(copy) },
          ':uploadId': { S: copy.uploadId },
          ':expiresAt': table.expiry(),
        },
      });
      if (row !== undefined) return copy;
      // Forgotten in between: this upload is used once, and a later delivery begins another.
      return (await find(item)) ?? copy;
    },
    async forget(item, uploadId) {
      await table.update(keyOf(item), {
        UpdateExpression: 'REMOVE #copy, uploadId',
        ConditionExpression: 'uploadId = :uploadId',
        ExpressionAttributeNames: { '#copy': 'copy' },
        ExpressionAttributeValues: { ':uploadId': { S: uploadId } },
        ReturnValues: 'NONE',
      });
    },
  };
}
