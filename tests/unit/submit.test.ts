// A submission whose key is taken, and is free again before it is looked at.
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { submitObject } from '../../functions/api/submit-manifest.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { failing, refusal } from '../helpers/failing.ts';
import { JOB_ID } from '../helpers/records.ts';

/** @param puts answers to the PUTs, in their order; the last one stays */
function submit(puts: ('exists' | 'stored')[], head: Error) {
  const asked: string[] = [];
  const s3 = failing(createMemoryS3().client, (command) => {
    const isHead = command instanceof HeadObjectCommand;
    asked.push(isHead ? 'HEAD' : 'PUT');
    if (isHead) return { when: 'before', error: head };
    const isTaken = (puts.length > 1 ? puts.shift() : puts[0]) === 'exists';
    return isTaken ? { when: 'before', error: refusal('PreconditionFailed', 412) } : undefined;
  });
  const submitted = submitObject(
    { s3, inbox: 'inbox' },
    { job: JOB_ID, contentType: 'text/csv', body: Buffer.from('key\n'), metadata: {} },
  );
  return { submitted, asked };
}

describe('a submission whose key was taken and is free again', () => {
  // Under the API's role S3 answers 403 of an object that is gone.
  it.each([403, 404])('is put again, where S3 answers %i of what is gone', async (status) => {
    const { submitted, asked } = submit(['exists', 'stored'], refusal('Gone', status));
    expect((await submitted).kind).toBe('accepted');
    expect(asked).toEqual(['PUT', 'HEAD', 'PUT']);
  });

  it('is not put again for ever', async () => {
    const { submitted, asked } = submit(['exists'], refusal('Forbidden', 403));
    await expect(submitted).rejects.toThrow('exists at each write and is gone at each read');
    expect(asked.filter((call) => call === 'PUT')).toHaveLength(5);
  });

  it('fails as S3 does where it can not be looked at for another reason', async () => {
    await expect(submit(['exists'], refusal('InternalError', 500)).submitted).rejects.toThrow(
      'InternalError',
    );
  });
});
