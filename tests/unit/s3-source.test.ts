// Sources in S3 that name a version, or look as if they did: in rows, in messages, and in those of jobs from before versions.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookUp } from '../../functions/upload/look-up.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { readSliceBlocks } from '../../shared/blocks/read-blocks.ts';
import type { JobId } from '../../shared/job/identity.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import type { ManifestItem } from '../../shared/manifest/columns.ts';
import { sourceReading, splitSource, writeSource } from '../../shared/manifest/s3-source.ts';
import {
  createMessageWriter,
  messageBody,
  parseUploadMessage,
  type UploadMessage,
} from '../../shared/queue/messages.ts';
import { placeOf } from '../../shared/sources/s3-copy/writer.ts';
import { checkSource } from '../../shared/sources/table.ts';
import { aJob, anUploadMessage, JOB_ID, manifestBytes } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const SOURCES = { buckets: ['b-1'] };
const source = 's3://b-1/k?versionId=x';

/** Keys, and what a manifest of a job from before versions says of each. */
const OLD_ROWS: [string, ManifestItem, { key: string; versionId?: string }][] = [
  ['a version in its key', { key: 'a', source }, { key: 'k?versionId=x' }],
  [
    'a version beside it',
    { key: 'a', source, source_version: 'v' },
    { key: 'k?versionId=x', versionId: 'v' },
  ],
  ['nothing before it', { key: 'a', source: 's3://b-1/?versionId=x' }, { key: '?versionId=x' }],
  ['an empty one', { key: 'a', source: 's3://b-1/k?versionId=' }, { key: 'k?versionId=' }],
  ['none', { key: 'a', source: 's3://b-1/k', source_version: 'v' }, { key: 'k', versionId: 'v' }],
];

async function blocksOf(rows: readonly ManifestItem[], parserVersion?: number, redriveOf?: JobId) {
  const s3 = createMemoryS3({ versioned: ['inbox'] });
  const content = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  s3.write('inbox', 'list.csv', content);
  const job = aJob({
    head: { format: 'ndjson', bodyOffset: 0, bodyLine: 1 },
    ...(parserVersion === undefined ? {} : { parserVersion }),
    ...(redriveOf === undefined ? {} : { redriveOf }),
  });
  const reader = { s3: s3.client, clock: createVirtualClock(), random: () => 0, sources: SOURCES };
  const place = manifestBytes(0, Buffer.byteLength(content));
  return Array.fromAsync(readSliceBlocks(reader, job, { place }));
}

/** As ingest sends it. */
function sentBody(item: ManifestItem, parserVersion: number): string {
  const { job, slice, block, number, line, firstSentAtMs } = anUploadMessage();
  const write = createMessageWriter(
    { job, slice, block },
    firstSentAtMs,
    false,
    sourceReading({ parserVersion }),
  );
  return write({ number, line, item });
}

/** As upload has it after the message was read and its job looked up. */
async function messageAtUpload(body: string, parserVersion: number): Promise<UploadMessage> {
  const parsed = parseUploadMessage(body);
  if (parsed.kind === 'unreadable') throw new Error(parsed.reason);
  const { message } = parsed;
  const job = aJob({ parserVersion });
  const none = new Set<number>();
  const ends = { done: none, failed: none, cancelled: none, rejected: none };
  const ledger = {
    getJobs: async () => ({ jobs: new Map([[job.id, job]]), unreadable: new Map() }),
    readBlocks: async () => new Map([[blockName(message), { size: 9, movedAtMs: 0, openings: 1, ...ends }]]),
  };
  const delivery = { message, messageId: 'm', receiptHandle: 'r', receiveCount: 1, sentAtMs: 0 };
  const { open } = await lookUp(ledger as never, [delivery as never]);
  return open[0]?.delivery.message as UploadMessage;
}

/** The item of a message that says nothing of its reading. */
const itemAtUpload = async (item: ManifestItem, parserVersion: number) =>
  (await messageAtUpload(messageBody(anUploadMessage({ item })), parserVersion)).item;

it('has any key without a version, as it was written', () => {
  const end = fc.constantFrom('', '?versionId=', '?versionId=x', '?versionId=x?versionId=', '?versionId=a/b');
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), end, (start, suffix) => {
      const key = start + suffix;
      expect(splitSource(writeSource('b-1', key))).toEqual({ bucket: 'b-1', key });
    }),
  );
});

describe('a job from before versions in sources', () => {
  it.each(OLD_ROWS)('copies the object of a row with %s', async (_, row, place) => {
    const [block] = await blocksOf([row], 3);
    expect(block?.rejected).toEqual([]);
    const sent = block?.accepted[0]?.item as ManifestItem;
    expect(placeOf(sent)).toEqual({ bucket: 'b-1', ...place });
    const { item } = await messageAtUpload(sentBody(sent, 3), 3);
    expect(item).toEqual(sent);
  });

  it.each(OLD_ROWS)('copies the object of a message with %s, sent before', async (_, row, place) => {
    const message = await messageAtUpload(messageBody(anUploadMessage({ item: row })), 3);
    expect(placeOf(message.item)).toEqual({ bucket: 'b-1', ...place });
    expect(checkSource(message.item, SOURCES)).toBeUndefined();
    // Given back as a new message, it is read the same.
    expect(await messageAtUpload(messageBody(message), 3)).toEqual(message);
  });

  it('copies the object of any key, from its manifest, a message sent before, or one given back', async () => {
    const mark = fc.constantFrom('', '?versionId=', '?versionId=x', '?versionId=a/b');
    const keys = fc
      .tuple(fc.stringMatching(/^[a-z?=]{0,4}$/), fc.array(mark, { maxLength: 4 }))
      .map(([start, marks]) => start + marks.join(''))
      .filter((key) => key !== '');
    await fc.assert(
      fc.asyncProperty(keys, async (key) => {
        const row = { key: 'a', source: `s3://b-1/${key}` };
        const [block] = await blocksOf([row], 3);
        const bodies = [
          sentBody(block?.accepted[0]?.item as ManifestItem, 3),
          messageBody(anUploadMessage({ item: row })),
        ];
        for (const body of bodies) {
          let message = await messageAtUpload(body, 3);
          for (let times = 0; times < 3; times++) {
            expect(placeOf(message.item)).toEqual({ bucket: 'b-1', key });
            message = await messageAtUpload(messageBody(message), 3);
          }
        }
      }),
    );
  });

  it.each(OLD_ROWS)('copies the object of a row with %s, redriven from its report', async (_, row, place) => {
    const [first] = await blocksOf([row], 3);
    const reported = first?.accepted[0]?.item as ManifestItem;
    // Its outcome may be from before the upgrade, or from after it.
    const [block] = await blocksOf([row, reported], 3, JOB_ID);
    const places = block?.accepted.map(({ item }) => placeOf(item));
    expect(places).toEqual([
      { bucket: 'b-1', ...place },
      { bucket: 'b-1', ...place },
    ]);
  });

  it('reports rows that this parser copies from the same objects', async () => {
    const bad = { key: '', source } as ManifestItem;
    const refused = { key: 'a', source: 's3://other/k?versionId=x' };
    const [block] = await blocksOf([bad, refused], 3);
    expect(block?.rejected).toMatchObject([
      { code: 'KeyMissing', item: { source: writeSource('b-1', 'k?versionId=x') } },
      { code: 'SourceNotAllowed', item: { source: writeSource('other', 'k?versionId=x') } },
    ]);
  });
});

describe('a job of this parser', () => {
  it('copies the version that a source names', async () => {
    const [block] = await blocksOf([{ key: 'a', source }]);
    const { item } = await messageAtUpload(sentBody(block?.accepted[0]?.item as ManifestItem, 4), 4);
    expect(item.source).toBe(source);
    expect(placeOf(item)).toEqual({ bucket: 'b-1', key: 'k', versionId: 'x' });
  });

  it.each([
    ['two versions', { key: 'a', source, source_version: 'v' }, 'VersionInvalid'],
    ['a version and no key', { key: 'a', source: 's3://b-1/?versionId=x' }, 'SourceInvalid'],
  ])('rejects a row with %s', async (_, row, code) => {
    const [block] = await blocksOf([row]);
    expect(block).toMatchObject({ accepted: [], rejected: [{ code, item: row }] });
    // A message of it ends as its row: a dead letter would not say what is wrong.
    const item = await itemAtUpload(row, 4);
    expect(checkSource(item, SOURCES)).toMatchObject({ code });
  });

  it('takes the same version twice', () => {
    expect(checkSource({ key: 'a', source, source_version: 'x' }, SOURCES)).toBeUndefined();
  });
});
