// What the ledger remembers of copies in parts: the first of two deliveries counts, and only the upload in question is forgotten.
import { expect, it } from 'vitest';
import type { ItemId, JobId } from '../../shared/job/identity.ts';
import { createCopyMemory } from '../../shared/ledger/copy-memory.ts';
import type { BegunCopy } from '../../shared/sources/s3-copy/copy-memory.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { startLedgerTable } from '../helpers/ledger-table.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const table = duringTests(startLedgerTable);

let items = 0;
const nextItem = (): ItemId => ({ job: 'job-00000001' as JobId, slice: 1, block: 2, number: items++ });
const open = () => createCopyMemory({ ...table, clock: createVirtualClock(), random: () => 0 });
const begun = (uploadId: string, more: Partial<BegunCopy> = {}): BegunCopy => ({
  uploadId,
  etag: '"e"',
  sizeBytes: 50_000 * 1024 ** 3,
  lastModifiedMs: 1_766_000_000_000,
  partBytes: 128 * 1024 ** 2,
  ...more,
});

it('knows nothing of an item of which nothing was begun', async () => {
  expect(await open().find(nextItem())).toBeUndefined();
});

it.each([{}, { versionId: 'v.1' }])('gives back what was remembered: %j', async (more) => {
  const item = nextItem();
  const copy = begun('one', more);
  expect(await open().remember(item, copy)).toEqual(copy);
  expect(await open().find(item)).toEqual(copy);
  expect(await open().find(nextItem())).toBeUndefined();
});

it('keeps the first of two, also where its answer was lost and it is written again', async () => {
  const item = nextItem();
  await open().remember(item, begun('one'));
  expect(await open().remember(item, begun('two'))).toEqual(begun('one'));
  expect(await open().remember(item, begun('one'))).toEqual(begun('one'));
});

it('forgets one upload, and takes another then', async () => {
  const item = nextItem();
  const memory = open();
  await memory.remember(item, begun('one'));
  await memory.forget(item, 'other');
  expect((await memory.find(item))?.uploadId).toBe('one');
  await memory.forget(item, 'one');
  await memory.forget(item, 'one');
  expect(await memory.find(item)).toBeUndefined();
  expect(await memory.remember(item, begun('two'))).toEqual(begun('two'));
});
