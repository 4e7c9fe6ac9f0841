// Outcome files, read from an S3 whose answers break off.
import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { createOutcomeFiles, parseOutcomes } from '../../shared/report/outcome-files.ts';
import { anOutcome } from '../helpers/records.ts';

const broken = () => Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
const refused = () =>
  Object.assign(new Error('no'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });

/** @param fates of the reads, in their order: an error, or the answer */
function start(fates: readonly (Error | undefined)[]) {
  let reads = 0;
  const text = `${JSON.stringify(anOutcome())}\n`;
  const send = async () => ({
    Body: {
      transformToByteArray: async () => {
        const fate = fates[reads++];
        if (fate !== undefined) throw fate;
        return Buffer.from(text);
      },
    },
  });
  const files = createOutcomeFiles({ s3: { send } as unknown as S3Client, bucket: 'reports' });
  return { files, reads: () => reads };
}

describe('reading a file of outcomes', () => {
  it('begins again where the answer breaks off', async () => {
    const { files, reads } = start([broken(), broken(), broken(), undefined]);
    expect(parseOutcomes(await files.read('outcomes/job/0/a.ndjson'))).toEqual([anOutcome()]);
    expect(reads()).toBe(4);
  });

  it('gives up after the fourth break, and its message comes again', async () => {
    const { files, reads } = start(Array.from({ length: 9 }, broken));
    await expect(files.read('outcomes/job/0/a.ndjson')).rejects.toThrow('aborted');
    expect(reads()).toBe(4);
  });

  it('does not begin again where it was refused', async () => {
    const { files, reads } = start([refused(), undefined]);
    await expect(files.read('outcomes/job/0/a.ndjson')).rejects.toThrow('no');
    expect(reads()).toBe(1);
  });
});
