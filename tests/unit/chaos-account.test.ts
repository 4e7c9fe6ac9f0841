// What a chaos run counts as lost: messages that are left, and parts of uploads that S3 would bill.
import { expect, it } from 'vitest';
import { checkAccount } from '../../lab/chaos/check-account.ts';
import type { ChaosJob, ChaosRow } from '../../lab/chaos/manifests.ts';
import type { Found } from '../../lab/chaos/read-back.ts';

const NOTHING: Found = { jobs: new Map(), objects: new Map(), openUploads: [], messages: {} };
const check = (found: Partial<Found>) => checkAccount([], { ...NOTHING, ...found });

it('takes every message that is left for a loss: one that goes round for ever is mostly delayed', () => {
  const left = check({ messages: { UploadQueue: { visible: 1, inFlight: 2, delayed: 3 } } });
  expect(left).toMatchObject({ isSound: false, account: { messagesLeft: 6 } });
  expect(left.breaches).toEqual(['messagesLeft: 6 on UploadQueue']);
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

it('takes a good row that S3 is said to refuse for a disagreement, and one whose workers died for allowed', () => {
  const row: ChaosRow = {
    ...{ line: 1, key: 'k', destination: 'job-0/k' },
    fate: { kind: 'good', bytes: new Uint8Array(1) },
  };
  const job: ChaosJob = {
    key: 'm',
    body: '',
    contentType: 'text/csv',
    options: {},
    rows: [row],
  };
  const sentencesOf = (code: string) => {
    const rows = [{ kind: 'failed' as const, key: 'k', line: 1, status: 'failed', code }];
    const jobs = new Map([['m', { events: [], brokenFiles: [], rows }]]);
    return checkAccount([job], { ...NOTHING, jobs } as unknown as Found).breaches;
  };
  const sentence = 'disagreements: m line 1, key "k": a good row is reported as failed (AccessDenied)';
  expect(sentencesOf('AccessDenied')).toContain(sentence);
  expect(sentencesOf('DeadLettered').join()).not.toContain('good row');
});
