// Outcome files, read from an S3 whose answers break off.
import { describe, expect, it } from 'vitest';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { createOutcomeFiles } from '../../shared/report/outcome-files.ts';
import { decodeOutcomes } from '../helpers/decode-outcomes.ts';
import { meddled, refusal } from '../helpers/failing.ts';
import { anOutcome } from '../helpers/records.ts';

const broken = () => Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
const FILE = 'outcomes/job/0/a.ndjson';

/** @param fates of the reads, in their order: an error, or the answer */
function start(fates: readonly (Error | undefined)[]) {
  let reads = 0;
  const memory = createMemoryS3();
  memory.write('reports', FILE, `${JSON.stringify(anOutcome())}\n`);
  const s3 = meddled(memory.client, async (_command, pass) => {
    const answer = (await pass()) as { Body: { transformToByteArray(): Promise<Uint8Array> } };
    const whole = answer.Body.transformToByteArray;
    answer.Body.transformToByteArray = async () => {
      const fate = fates[reads++];
      if (fate !== undefined) throw fate;
      return whole();
    };
    return answer;
  });
  const files = createOutcomeFiles({ s3, bucket: 'reports' });
  return { files, reads: () => reads };
}

describe('reading a file of outcomes', () => {
  it('begins again where the answer breaks off', async () => {
    const { files, reads } = start([broken(), broken(), broken(), undefined]);
    expect(decodeOutcomes(await files.read(FILE), FILE)).toEqual([anOutcome()]);
    expect(reads()).toBe(4);
  });

  it('gives up after the fourth break, and its message comes again', async () => {
    const { files, reads } = start(Array.from({ length: 9 }, broken));
    await expect(files.read(FILE)).rejects.toThrow('aborted');
    expect(reads()).toBe(4);
  });

  it('does not begin again where it was refused', async () => {
    const { files, reads } = start([refusal('AccessDenied', 403), undefined]);
    await expect(files.read(FILE)).rejects.toThrow('AccessDenied');
    expect(reads()).toBe(1);
  });
});

describe('a file that another program changed', () => {
  it.each([
    ['{"block":0', 'is no JSON'],
    ['null', 'is no JSON object'],
    ['[]', 'is no JSON object'],
    ['{"block":0,"number":0,"line":2}', 'has no status'],
    ['{"block":0,"number":0,"status":"stored"}', 'has no line'],
    ['{"block":0,"number":0,"status":"returned","attempts":1}', 'has no throttled'],
    [JSON.stringify({ ...anOutcome(), status: 'lost' }), 'has a status that no outcome can have'],
    [JSON.stringify({ ...anOutcome(), number: 1.5 }), 'has a number that no outcome can have'],
    [JSON.stringify({ ...anOutcome(), block: -1 }), 'has a block that no outcome can have'],
    [JSON.stringify({ ...anOutcome(), numbers: [[0, 1e15]] }), 'has a numbers that no outcome can have'],
    [
      JSON.stringify({
        ...anOutcome(),
        numbers: [
          [0, 9],
          [3, 4],
        ],
      }),
      'has a numbers that no outcome can have',
    ],
    [JSON.stringify({ ...anOutcome(), message: 5 }), 'has a message that no outcome can have'],
    [
      JSON.stringify({ ...anOutcome(), item: { spillway_columns: 5 } }),
      'has a item that no outcome can have',
    ],
  ])('is unreadable with the line %s, by its name, line and remedy', (line, what) => {
    const file = Buffer.from(`${JSON.stringify(anOutcome())}\n\n${line}\n`);
    expect(() => decodeOutcomes(file, FILE)).toThrow(
      `the outcomes at ${FILE} are damaged: line 3 ${what}. Another program wrote or cut them. Restore them; or delete them`,
    );
  });

  it('may have fields of a later version', () => {
    const later = { ...anOutcome(), colour: 'red' };
    expect(decodeOutcomes(Buffer.from(JSON.stringify(later)), FILE)).toEqual([later]);
  });
});
