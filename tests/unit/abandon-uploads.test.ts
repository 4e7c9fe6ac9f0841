// Uploads of rows that end without their object are aborted, and what can't be is told.
import { expect, it } from 'vitest';
import { abandonUploads } from '../../functions/upload/abandon-uploads.ts';
import type { ObjectWriter } from '../../shared/transfer/object-writer.ts';

const writer = (abandon?: ObjectWriter['abandon']): ObjectWriter => ({
  write: async () => ({ etag: '"e"' }),
  recognise: async () => undefined,
  ...(abandon === undefined ? {} : { abandon }),
});

it('asks each writer once, and says whether an earlier delivery may have begun something', async () => {
  const asked: boolean[] = [];
  const transfers = [true, false].map((mayBeWritten) => ({
    mayBeWritten,
    writer: writer(async (mayBeBegun) => void asked.push(mayBeBegun)),
  }));
  expect(await abandonUploads([...transfers, { mayBeWritten: true, writer: writer() }])).toEqual([]);
  expect(asked).toEqual([true, false]);
});

it('goes on past one that fails, and gives back its error', async () => {
  const cause = new Error('denied');
  let others = 0;
  const errors = await abandonUploads([
    { mayBeWritten: true, writer: writer(() => Promise.reject(cause)) },
    { mayBeWritten: true, writer: writer(async () => void others++) },
  ]);
  expect(errors).toEqual([expect.objectContaining({ cause })]);
  expect(others).toBe(1);
});
