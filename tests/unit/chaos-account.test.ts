// What a chaos run counts as lost: messages that are left, and parts of uploads that S3 would bill.
import { expect, it } from 'vitest';
import { checkAccount } from '../../lab/chaos/check-account.ts';
import type { Found } from '../../lab/chaos/read-back.ts';

const NOTHING: Found = { jobs: new Map(), objects: new Map(), openUploads: [], messages: {} };
const check = (found: Partial<Found>) => checkAccount([], { ...NOTHING, ...found });

it('counts what SQS delays still, and takes every other message for a loss', () => {
  const delayed = check({ messages: { UploadQueue: { visible: 0, inFlight: 0, delayed: 3 } } });
  expect(delayed).toMatchObject({ isSound: true, account: { messagesDelayed: 3, messagesLeft: 0 } });
  const left = check({ messages: { UploadQueue: { visible: 1, inFlight: 2, delayed: 3 } } });
  expect(left).toMatchObject({ isSound: false, account: { messagesDelayed: 3, messagesLeft: 3 } });
  expect(left.breaches).toEqual(['messagesLeft: 3 on UploadQueue']);
});

it('takes an open upload with parts for a loss, and one without for allowed', () => {
  const { isSound, account, breaches } = check({
    openUploads: [
      { key: 'a', parts: 0 },
      { key: 'b', parts: 2 },
    ],
  });
  expect(isSound).toBe(false);
  expect(account).toMatchObject({ emptyUploads: 1, partsLeft: 2 });
  expect(breaches).toEqual(['partsLeft: 2 of an upload of b']);
});
